# SPDX-License-Identifier: Apache-2.0
"""The event formatter, compiled from ``native/eventfmt``."""

from collections.abc import Callable

def format_records(
    block: bytes,
    offset: int,
    records: int,
    size: int,
    boot: int,
    find: Callable[[int, int], tuple[bytes, int, bool, bytes] | None],
    digests: bytes,
) -> tuple[int, list[tuple[int, int, bytes, tuple[int, ...], tuple[int, ...]]], int, str]:
    """Records of a block as lines of JSON, by session and delegation, the interpreter being free meanwhile.

    Begins at ``offset`` and ends after ``records`` of them or just above ``size`` bytes. ``boot``: when the
    kernel's clock was 0, microseconds since 1970. ``find`` gets the numbers of a session and of a
    delegation and returns the prefix of their events' ``uid``, the number of the next one, whether the
    session is detached, and the key ``delegated`` with its value; None for a session that is not known.
    ``digests``: in order, identities of files, each with 64 bytes of what is known of its digest.
    Returns the offset of what is left; for each pair of numbers these, the lines, and by kind how many
    records they are and how many do not decode; the number of records that do not decode at all, and what
    is wrong with the first. Raises ValueError for a torn block.
    """

def executables(block: bytes) -> list[tuple[bytes, int, bytes]]:
    """Of each command in a block the identity of the executed file, the process, and the file's path."""

def fill_slots(
    lines: bytes, slots: tuple[bytes, ...], index: int, codes: tuple[bytes, ...]
) -> tuple[bytes, tuple[bytes, ...], tuple[int, ...], int]:
    """``lines`` with ``slots`` put where they belong and ``ei`` counted from ``index``.

    Returns all of them; those of each of ``codes`` and the others; how many each of these are; and the length
    of the longest. Raises ValueError for what are no lines with slots.
    """
