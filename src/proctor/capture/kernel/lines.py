"""Lines of events: from records of the kernel, with slots in them for what the node knows.

A line is a JSON object with its keys in order; in each slot is the byte 0x1F, which JSON has nowhere else.
The work is done by ``_native``, the interpreter being free meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from proctor.capture.kernel.abi import Kind
from proctor.capture.kernel.extension import native
from proctor.core.errors import Corrupted
from proctor.model.kernel_events import SessionCommand, SessionDisk, SessionNetwork
from proctor.model.serde import from_json, to_json

SLOT = b"\x1f"
_DIGEST = 64
_SLOTS = ("cluster_name", "ei", "login", "server_hostname", "sid", "user")
"""The first key of each slot, in order."""

_ENHANCED = (SessionCommand, SessionDisk, SessionNetwork)
_CODES = tuple(kind.CODE.encode() for kind in _ENHANCED)


class Owner(NamedTuple):
    """A session as its lines show it: prefix of the events' ``uid``, the next one's number, detached?

    ``delegated``: who acts for it, as ``delegated_key`` spells it.
    """

    prefix: bytes
    number: int
    detached: bool
    delegated: bytes = b""


def delegated_key(daemon: str, evidence: str) -> bytes:
    """The key that says that ``daemon`` acts for the session, and what shows it."""
    return b',"delegated":' + to_json({"daemon": daemon, "evidence": evidence})


class Batch(NamedTuple):
    """Lines of the session with this number, and what they were made of; ``delegation``: whose deeds."""

    session: int
    delegation: int
    lines: bytes
    kinds: Counter[Kind]
    undecodable: Counter[Kind]


class Part(NamedTuple):
    """What a part of a block has become; ``end`` is where the next part begins.

    ``undecoded``: records that are none; ``complaint``: what is wrong with the first of them.
    """

    end: int
    batches: list[Batch]
    undecoded: int
    complaint: str


class Executable(NamedTuple):
    """A file that was executed: ``abi.IDENTITY``, the process, its path there, and the kernel's time, ns."""

    identity: bytes
    pid: int
    path: bytes
    time: int


def executables(block: bytes) -> list[Executable]:
    """What the commands in a block have executed; the same file perhaps often."""
    return [Executable(*found) for found in native().executables(block)]


def digest_table(digests: Mapping[bytes, str]) -> bytes:
    """What lines of commands say of the file with each identity: its SHA-256, or why there is none."""
    return b"".join(
        identity + text.encode().ljust(_DIGEST, b"\0") for identity, text in sorted(digests.items())
    )


def from_records(
    block: bytes,
    offset: int,
    *,
    records: int,
    size: int,
    boot: int,
    find: Callable[[int, int], Owner | None],
    digests: bytes = b"",
) -> Part:
    """Lines of at most ``records`` records or a little above ``size`` bytes of ``block`` from ``offset``.

    ``boot``: when the kernel's clock was 0, microseconds since 1970. ``digests``: a ``digest_table``.
    Raises ValueError for a torn block.
    """
    end, groups, undecoded, complaint = native().format_records(
        block, offset, records, size, boot, find, digests
    )
    batches = [
        Batch(session, delegation, lines, _counter(delivered), _counter(undecodable))
        for session, delegation, lines, delivered, undecodable in groups
    ]
    return Part(end, batches, undecoded, complaint)


def _counter(counts: tuple[int, ...]) -> Counter[Kind]:
    return +Counter(dict(zip(Kind, counts, strict=True)))


def from_fields(fields: Mapping[str, Any]) -> bytes:
    """The line of an event of ours, which must have a key before those of the first slot."""
    line = b"{"
    for key in sorted([*fields, *_SLOTS]):
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
    """What goes into the slots of every line: ``fields``, each in the last slot before its key."""
    texts = dict.fromkeys(_SLOTS, b"")
    for key, value in sorted(fields.items()):
        slot = max(first for first in _SLOTS if first <= key)
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
        whole, parts, counts, longest = native().fill_slots(lines, slots, ei, _CODES)
    except ValueError as error:
        raise Corrupted(str(error)) from None
    names = (*(kind.EVENT for kind in _ENHANCED), "")
    found = {name: (part, count) for name, part, count in zip(names, parts, counts, strict=True) if count}
    return Filled(whole, found, sum(counts), longest)
