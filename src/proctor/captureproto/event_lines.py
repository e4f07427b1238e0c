# SPDX-License-Identifier: Apache-2.0
"""Lines of events with slots for what the node knows about the session.

A line is a JSON object with its keys in order; in each slot is the byte 0x1F, which JSON has nowhere else.
The work is done by ``_eventfmt``, the interpreter being free meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from proctor.captureproto.native import eventfmt
from proctor.core.errors import Corrupted
from proctor.model.events import SLOT_KEYS, SessionCommand, SessionDisk, SessionNetwork
from proctor.model.serde import from_json, to_json

SLOT = b"\x1f"

_ENHANCED = (SessionCommand, SessionDisk, SessionNetwork)
_CODES = tuple(kind.CODE.encode() for kind in _ENHANCED)


def from_fields(fields: Mapping[str, Any]) -> bytes:
    """The line of an event of Proctor itself, which must have a key before those of the first slot."""
    line = b"{"
    for key in sorted([*fields, *SLOT_KEYS]):
        if key in fields:
            line += b"," * (line != b"{") + to_json(key) + b":" + to_json(fields[key])
        else:
            line += SLOT
    if line.startswith(b"{" + SLOT):
        raise ValueError(f"no key before the first slot: {sorted(fields)}")
    return line + b"}\n"


def events_in(lines: bytes) -> list[dict[str, Any]]:
    """The events without what goes into the slots."""
    return [from_json(line, dict) for line in lines.replace(SLOT, b"").splitlines()]


def slots(fields: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the contents of the slots of every line: ``fields``, each in the last slot before its key."""
    texts = dict.fromkeys(SLOT_KEYS, b"")
    for key, value in sorted(fields.items()):
        slot = max(first for first in SLOT_KEYS if first <= key)
        texts[slot] += b"," + to_json(key) + b":" + to_json(value)
    return tuple(texts.values())


class Filled(NamedTuple):
    """Whole lines: all, in order; by name of the event those of enhanced recording, "" for others."""

    lines: bytes
    parts: dict[str, tuple[bytes, int]]
    total: int
    longest: int
    """Bytes of the longest line."""


def fill(lines: bytes, slots: tuple[bytes, ...], ei: int) -> Filled:
    """``lines`` with ``slots`` in them, and numbered from ``ei``. Raises Corrupted when they have none."""
    try:
        whole, parts, counts, longest = eventfmt().fill_slots(lines, slots, ei, _CODES)
    except ValueError as error:
        raise Corrupted(str(error)) from None
    names = (*(kind.EVENT for kind in _ENHANCED), "")
    found = {name: (part, count) for name, part, count in zip(names, parts, counts, strict=True) if count}
    return Filled(whole, found, sum(counts), longest)
