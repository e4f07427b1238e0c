# SPDX-License-Identifier: Apache-2.0
"""Sets of small numbers (events of a segment) as integers in memory and as short blobs in the index."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence

_LIST, _BITMAP, _DEFLATED, _ALL = b"l", b"b", b"z", b"a"
_DENSE = 16
"""A bitmap is shorter than a list of 16-bit numbers from one member in 16 on."""

_CHECK_BYTES = 4
_DIGITS = bytes.maketrans(b"\x00\x01", b"01")


Runs = Sequence[int]
"""A set as the numbers with which its members begin and cease to follow each other, in turns."""


def encode(runs: Runs, total: int) -> bytes:
    """The set ``runs`` of numbers below ``total``, at most 65536, as a blob."""
    body = _body(runs, total)
    return body + zlib.crc32(body).to_bytes(_CHECK_BYTES, "big")


def _body(runs: Runs, total: int) -> bytes:
    count = sum(runs[1::2]) - sum(runs[::2])
    if count == total:
        return _ALL
    if count * _DENSE < total:
        found = array("H")
        for begin, end in zip(runs[::2], runs[1::2], strict=True):
            found.extend(range(begin, end))
        return _LIST + found.tobytes()
    flags = bytearray(total)
    for begin, end in zip(runs[::2], runs[1::2], strict=True):
        flags[begin:end] = b"\1" * (end - begin)
    bitmap = _mask(flags).to_bytes((total + 7) // 8, "little")
    deflated = zlib.compress(bitmap, 1)
    return _DEFLATED + deflated if len(deflated) < len(bitmap) else _BITMAP + bitmap


def sparse(runs: Runs, limit: int) -> list[int] | None:
    """The members when they are no more than ``limit``."""
    if sum(runs[1::2]) - sum(runs[::2]) > limit:
        return None
    return [number for begin, end in zip(runs[::2], runs[1::2], strict=True) for number in range(begin, end)]


def merged(one: Runs, other: Runs) -> Runs:
    """The members of both."""
    changes = sorted(
        (number, 1 - 2 * (index % 2)) for runs in (one, other) for index, number in enumerate(runs)
    )
    found: list[int] = []
    depth = 0
    for number, change in changes:
        before, depth = depth, depth + change
        if not before or not depth:
            if found and found[-1] == number:
                found.pop()
            else:
                found.append(number)
    return found


def decode(blob: bytes, total: int) -> int:
    """The set as an integer whose bit n says whether n is a member. Raises ValueError when it is damaged."""
    kind, body, check = blob[:1], blob[1:-_CHECK_BYTES], blob[-_CHECK_BYTES:]
    if zlib.crc32(kind + body).to_bytes(_CHECK_BYTES, "big") != check:
        raise ValueError("a set does not fit its checksum")
    if kind == _ALL:
        return everything(total)
    if kind == _BITMAP:
        return int.from_bytes(body, "little")
    if kind == _DEFLATED:
        return int.from_bytes(zlib.decompress(body), "little")
    members = array("H")
    members.frombytes(body)
    return mask_of(members, total)


def everything(total: int) -> int:
    """All numbers below ``total``."""
    return (1 << total) - 1


def mask_of(members: Sequence[int], total: int) -> int:
    """The set ``members`` of numbers below ``total``."""
    if len(members) < _DENSE:
        mask = 0
        for number in members:
            mask |= 1 << number
        return mask
    flags = bytearray(total)
    for number in members:
        flags[number] = 1
    return _mask(flags)


def _mask(flags: bytearray) -> int:
    # Python has no vector of bits; reading digits of base two is linear and done in C.
    return int(flags[::-1].translate(_DIGITS), 2)


def members(mask: int, *, ascending: bool) -> Iterator[int]:
    """The members of a set in order."""
    size = (mask.bit_length() + 7) // 8
    view = mask.to_bytes(size, "little")
    numbers = range(size) if ascending else range(size - 1, -1, -1)
    for index in numbers:
        byte = view[index]
        if byte:
            found = [8 * index + bit for bit in range(8) if byte >> bit & 1]
            yield from found if ascending else reversed(found)
