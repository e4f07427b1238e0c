# SPDX-License-Identifier: Apache-2.0
"""An audit log whose index is as current as a test wants it."""

from __future__ import annotations

from proctor.audit.index.indexer import Indexer
from proctor.audit.logs_file import FileLog


def catch_up(log: FileLog, *, spare: int = 0, smallest: int = 1) -> None:
    """Index what is stored, but for the last ``spare`` lines of the current file."""
    extents = {extent.name: extent.size for extent in log.extents()}
    current = next(reversed(extents))
    lines = (log.directory / current).read_bytes()[: extents[current]].splitlines(keepends=True)
    extents[current] -= sum(map(len, lines[len(lines) - spare :]))
    indexer = Indexer(log.index_path, log.directory, smallest=smallest)
    try:
        indexer.verify(extents)
        while indexer.step(extents):
            pass
    finally:
        indexer.close()
