# SPDX-License-Identifier: Apache-2.0
"""Format records of the kernel as lines of events (``captureproto.lines``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from proctor.capture.kernel.abi import RecordKind
from proctor.captureproto.native import eventfmt
from proctor.model.serde import to_json

_DIGEST = 64


class LineOwner(NamedTuple):
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
    """Lines of one session, and the number of records of each kind that they come from.

    ``delegation``: number of the evidence that attributes them, 0 for none.
    """

    session: int
    delegation: int
    lines: bytes
    kinds: Counter[RecordKind]
    undecodable: Counter[RecordKind]


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
    """List the files executed by the commands in a block, with repetitions."""
    return [Executable(*found) for found in eventfmt().executables(block)]


def digest_table(digests: Mapping[bytes, str]) -> bytes:
    """Return the table from file identities to digests: SHA-256, or why there is none."""
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
    find: Callable[[int, int], LineOwner | None],
    digests: bytes = b"",
) -> Part:
    """Lines of at most ``records`` records or a little above ``size`` bytes of ``block`` from ``offset``.

    ``boot``: when the kernel's clock was 0, microseconds since 1970. ``digests``: a ``digest_table``.
    Raises ValueError for a torn block.
    """
    end, groups, undecoded, complaint = eventfmt().format_records(
        block, offset, records, size, boot, find, digests
    )
    batches = [
        Batch(session, delegation, lines, _counter(delivered), _counter(undecodable))
        for session, delegation, lines, delivered, undecodable in groups
    ]
    return Part(end, batches, undecoded, complaint)


def _counter(counts: tuple[int, ...]) -> Counter[RecordKind]:
    return +Counter(dict(zip(RecordKind, counts, strict=True)))
