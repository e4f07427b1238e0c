# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of events' ``uid``, and tables of them that find one in a constant time.

A fingerprint has 64 bits: among a million, a new ``uid`` has that of another once in 10^13 events. Hosts
choose the ``uid`` of their events, so fingerprints have a key that hosts do not know: without it they could
state two that have the same one, or many that belong in one slot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol

try:
    from proctor.model import _jsonlines
except ImportError:  # It is built where capture is.
    COMPILED = False
else:
    COMPILED = True

SIZE = 8
"""Bytes of a fingerprint."""

KEY_SIZE = 16
"""Bytes of a key."""

ALGORITHM = b"siphash1" if COMPILED else b"blake2b1"
"""How fingerprints are computed, as tables on disk name it."""


class UidTable(Protocol):
    """Writable bytes, a power of two times SIZE of them; zeros at first."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes | bytearray | memoryview: ...
    def __setitem__(self, key: slice, value: bytes, /) -> None: ...


def fingerprint(uid: str, key: bytes) -> bytes:
    """Of one ``uid``."""
    raw = uid.encode("utf-8", "surrogatepass")
    if COMPILED:
        return _jsonlines.fingerprint(raw, key)
    return hashlib.blake2b(raw, key=key, digest_size=SIZE).digest()


def fingerprints(uids: Iterable[str], key: bytes) -> bytes:
    """Of several, one after the other."""
    return b"".join(fingerprint(uid, key) for uid in uids)


def split(found: bytes) -> list[bytes]:
    """The fingerprints in ``found``."""
    return [found[at : at + SIZE] for at in range(0, len(found), SIZE)]


def count_known(table: UidTable, found: bytes) -> int:
    """Count the fingerprints in ``found`` that are in ``table``."""
    if COMPILED:
        return _jsonlines.count_known(table, found)
    return sum(bytes(table[(at := _slot(table, one)) : at + SIZE]) == one for one in split(found))


def add(table: UidTable, found: bytes) -> int:
    """Add ``found`` to ``table``, which must keep an empty slot; how many are new."""
    if COMPILED:
        return _jsonlines.add_uids(table, found)
    new = 0
    for one in split(found):
        at = _slot(table, one)
        new += bytes(table[at : at + SIZE]) != one
        table[at : at + SIZE] = one
    return new


def _slot(table: UidTable, one: bytes) -> int:
    """Return the position of ``one``, or the one where it belongs."""
    slots = len(table) // SIZE
    slot = int.from_bytes(one, "little") % slots
    while bytes(table[slot * SIZE : slot * SIZE + SIZE]) not in {one, bytes(SIZE)}:
        slot = (slot + 1) % slots
    return slot * SIZE
