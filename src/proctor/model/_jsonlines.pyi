# SPDX-License-Identifier: Apache-2.0
"""Lines of JSON that may be stored as they are, as compiled from ``native/jsonlines``."""

from collections.abc import Sequence

def scan(line: bytes, /) -> tuple[str, str, str, str, str, str] | None:
    """``cluster_name``, ``code``, ``ei`` (as it is written), ``event``, ``time`` and ``uid`` of an event.

    None when ``line`` is not one JSON object of UTF-8 without white space and with its own keys in order,
    each once; or when one of the values is missing, of the wrong kind, or written with escapes.
    """

def scan_lines(
    lines: bytes, longest: int, last_ei: int, schema: object, key: bytes, /
) -> tuple[int, str, str, tuple[tuple[str, ...], ...], tuple[str, ...], bytes] | None:
    """Of lines, each with its newline: how many, first and last ``time``, the fields of
    ``model.stamp.Context`` in every combination, each ``cluster_name``, fingerprints of ``uid`` by ``key``.

    None when one of them is not an event in its final form, of less than ``longest`` bytes and with an ``ei``
    up to ``last_ei``, or not one of ``schema`` (if not None); when there are none; or when they differ in
    more than 256 contexts or 32 clusters.
    """

def count_lines(lines: bytes, /) -> int:
    """How many newlines there are."""

def make_schema(
    events: Sequence[tuple[bytes, Sequence[bytes], Sequence[tuple[bytes, bytes, int, int]]]], /
) -> object:
    """A schema for ``scan_lines`` from tuples such as ``model.event_schema`` makes."""

def fingerprint(uid: bytes, key: bytes, /) -> bytes:
    """SipHash-2-4 of one ``uid``, 8 bytes; ``key`` has 16. Raises ValueError for another size."""

def count_known(table: object, uids: bytes, /) -> int:
    """How many of some fingerprints are in a writable buffer."""

def add_uids(table: object, uids: bytes, /) -> int:
    """Add fingerprints to a writable buffer, which must keep an empty slot; how many are new."""
