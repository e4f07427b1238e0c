# SPDX-License-Identifier: Apache-2.0
"""The one place that knows msgspec: documents and events to and from JSON."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from proctor.core.errors import Corrupted

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


def to_json(value: Any) -> bytes:
    """Compact JSON of a struct, dict or list."""
    return _encoder.encode(value)


def from_json(data: bytes | str, kind: type[T]) -> T:
    """Decode and validate; raises Corrupted with the path of the first wrong field."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupted(f"not a valid {kind.__name__}: {error}") from None


def to_builtins(value: Any) -> Any:
    """The value as plain dicts, lists, strings and numbers."""
    return msgspec.to_builtins(value)


def convert(value: Any, kind: type[T]) -> T:
    """Plain values to ``kind``; raises msgspec.ValidationError, whose text holds the path."""
    return msgspec.convert(value, type=kind)
