# SPDX-License-Identifier: Apache-2.0
"""Structs and enums in the BTF of an object file: as the compiler has laid them out."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

_KIND_INT, _KIND_ARRAY, _KIND_STRUCT, _KIND_UNION, _KIND_ENUM = 1, 3, 4, 5, 6
_KIND_FUNC_PROTO, _KIND_VAR, _KIND_DATASEC, _KIND_DECL_TAG, _KIND_ENUM64 = 13, 14, 15, 17, 19


class Field(NamedTuple):
    """A member of a struct; ``offset`` in bytes."""

    name: str
    offset: int


class Layout(NamedTuple):
    """A struct; sizes and offsets in bytes."""

    size: int
    fields: tuple[Field, ...]


class Btf(NamedTuple):
    """What an object file says of its types."""

    structs: dict[str, Layout]
    enums: dict[str, dict[str, int]]


def section(path: Path, name: str) -> bytes:
    """A section of a 64-bit ELF file."""
    data = path.read_bytes()
    (offset,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    headers = [struct.unpack_from("<IIQQQQ", data, offset + size * index) for index in range(count)]
    strings = headers[names][4]
    for name_offset, _, _, _, start, length in headers:
        end = data.index(b"\0", strings + name_offset)
        if data[strings + name_offset : end].decode() == name:
            return data[start : start + length]
    raise KeyError(name)


def read(path: Path) -> Btf:
    """The types of the object file at ``path``."""
    raw = section(path, ".BTF")
    _, _, _, header, type_offset, type_length, string_offset, _ = struct.unpack_from("<HBBIIIII", raw)
    strings = header + string_offset
    found = Btf({}, {})
    position, end = header + type_offset, header + type_offset + type_length

    def text(offset: int) -> str:
        return raw[strings + offset : raw.index(b"\0", strings + offset)].decode()

    while position < end:
        name, info, size = struct.unpack_from("<III", raw, position)
        position += 12
        kind, count, bitfields = info >> 24 & 0x1F, info & 0xFFFF, info >> 31
        members = [struct.unpack_from("<III", raw, position + 12 * index) for index in range(count)]
        if kind in (_KIND_STRUCT, _KIND_UNION):
            mask = 0xFFFFFF if bitfields else 0xFFFFFFFF
            fields = tuple(Field(text(member), (bits & mask) // 8) for member, _, bits in members)
            found.structs[text(name)] = Layout(size, fields)
        elif kind == _KIND_ENUM:
            values = (struct.unpack_from("<Ii", raw, position + 8 * index) for index in range(count))
            found.enums[text(name)] = {text(label): value for label, value in values}
        position += _extra(kind, count)
    return found


def _extra(kind: int, count: int) -> int:
    """Bytes behind the common part of a type."""
    fixed = {_KIND_INT: 4, _KIND_ARRAY: 12, _KIND_VAR: 4, _KIND_DECL_TAG: 4}
    each = {
        _KIND_STRUCT: 12,
        _KIND_UNION: 12,
        _KIND_ENUM: 8,
        _KIND_ENUM64: 12,
        _KIND_FUNC_PROTO: 8,
        _KIND_DATASEC: 12,
    }
    return fixed.get(kind, 0) + each.get(kind, 0) * count
