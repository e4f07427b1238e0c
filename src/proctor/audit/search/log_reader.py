# SPDX-License-Identifier: Apache-2.0
"""Reading the audit log's day files, by any process that may: with the index when it is of use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from proctor.audit.index.store import Damaged, Index
from proctor.audit.log import Page, Query
from proctor.audit.progress import Span
from proctor.audit.search.deadline import Budget
from proctor.audit.search.scan import LogSlice, search
from proctor.core.errors import Unavailable

_log = logging.getLogger(__name__)


class Extent(NamedTuple):
    """The stored part of a day file: bytes, and the times of its events when they are known."""

    name: str
    size: int
    span: Span | None = None


class LogReader:
    """Searches the day files in ``directory`` with the index ``index_path``; for one thread."""

    def __init__(self, directory: Path, index_path: Path) -> None:
        self._directory = directory
        self._path = index_path
        self._index: Index | None = None
        self._inode = 0
        self.damaged = False
        """The index was found to be damaged; nothing is looked up in it until there is another."""

    def search(self, extents: Sequence[Extent], query: Query, budget: Budget | None = None) -> Page:
        """The next page of ``query``. Raises BadRequest, Cancelled, and Unavailable."""
        regions = [LogSlice(self._directory / name, size, span) for name, size, span in extents]
        try:
            try:
                return search(regions, query, self._current_index(), budget)
            except Damaged as error:
                _log.warning("the index of the audit log is damaged (%s); searching without it", error)
                self._forget()
                self.damaged = True
            return search(regions, query, None, budget)
        except OSError as error:
            raise Unavailable(f"the audit log cannot be read: {error.strerror}") from error

    def _current_index(self) -> Index | None:
        inode = 0
        with suppress(FileNotFoundError):
            inode = self._path.stat().st_ino
        if inode != self._inode:
            self._forget()
            self._inode, self.damaged = inode, False
        if self._index is None and not self.damaged:
            self._index = Index.reader(self._path)
        return self._index

    def _forget(self) -> None:
        if self._index is not None:
            self._index.close()
        self._index = None

    def close(self) -> None:
        """Release the index."""
        self._forget()
