# SPDX-License-Identifier: Apache-2.0
"""``python -P -m proctor.audit.search.worker search|index DIRECTORY INDEX``: a process of its own.

Requests come on the standard input and answers go to the standard output, one at a time, each a frame: four
bytes of length (big-endian), then msgpack. Anything that comes while a search is under way cancels it. The
end of the input ends the process. Work here takes no time of the auth service's event loop, and gives way to
it on the processors.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import sqlite3
import struct
import sys
from pathlib import Path
from typing import Any

import msgspec

from proctor.audit.index.indexer import Indexer
from proctor.audit.log import Page, Query
from proctor.audit.search.deadline import Budget, Cancelled
from proctor.audit.search.log_reader import Extent, LogReader
from proctor.core.errors import ProctorError

HEADER = struct.Struct(">I")
MAX_FRAME = 64 << 20
STEPS = 8
"""Segments indexed between two requests, so that what is stored meanwhile has its turn."""

_NICE = {"search": 15, "index": 19}


class SearchRequest(msgspec.Struct, tag="search"):
    """Answered with SearchResult. ``seconds``: how long it may take."""

    extents: list[Extent]
    query: Query
    seconds: float


class SearchResult(msgspec.Struct, tag="result"):
    """``page`` unless cancelled or ``error``; ``damaged``: the index was found to be so by this search."""

    page: Page | None = None
    error: str = ""
    damaged: bool = False


class IndexRequest(msgspec.Struct, tag="index"):
    """Answered with IndexResult. ``rebuild``: from nothing."""

    extents: list[Extent]
    rebuild: bool = False


class IndexResult(msgspec.Struct, tag="indexed"):
    """``ends``: up to where each file is indexed; ``more``: it goes on; ``error``: why it stopped."""

    ends: dict[str, int] = {}
    more: bool = False
    error: str = ""


class Cancel(msgspec.Struct, tag="cancel"):
    """Not answered: whatever is under way is, at once."""


Request = SearchRequest | IndexRequest | Cancel
_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_log = logging.getLogger(__name__)


def encode(message: msgspec.Struct) -> bytes:
    """One frame."""
    body = _encoder.encode(message)
    return HEADER.pack(len(body)) + body


class _Connection:
    """The two ends of the service; unbuffered, so that ``readable`` knows of all that has come."""

    def receive(self) -> Request | None:
        header = self._read(HEADER.size)
        return _requests.decode(self._read(HEADER.unpack(header)[0])) if header else None

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = os.read(0, size - len(data))
            if not part:
                return b""
            data += part
        return data

    def readable(self) -> bool:
        return bool(select.select([0], [], [], 0)[0])

    def send(self, message: msgspec.Struct) -> None:
        view = memoryview(encode(message))
        while view:
            view = view[os.write(1, view) :]


class Searcher:
    """Answers one search after the other."""

    def __init__(self, directory: Path, index: Path, connection: _Connection) -> None:
        self._reader = LogReader(directory, index)
        self._connection = connection

    def answer(self, request: SearchRequest) -> SearchResult:
        """The page asked for; every error becomes a part of the answer."""
        budget = Budget(request.seconds, self._connection.readable)
        known = self._reader.damaged
        try:
            page = self._reader.search(request.extents, request.query, budget)
        except Cancelled:
            return SearchResult()
        except ProctorError as error:
            return SearchResult(error=error.message)
        return SearchResult(page=page, damaged=self._reader.damaged and not known)


class IndexWriter:
    """Keeps the index up to date with the segments that are announced to it."""

    def __init__(self, directory: Path, index: Path) -> None:
        self._indexer = Indexer(index, directory)
        self._verified = False

    def answer(self, request: IndexRequest) -> IndexResult:
        """Index a few segments."""
        try:
            return self._work({extent.name: extent.size for extent in request.extents}, request.rebuild)
        except (sqlite3.OperationalError, OSError) as error:
            # The disk is full, or something like it: what is indexed stays.
            return IndexResult(error=str(error))
        except sqlite3.DatabaseError as error:
            self._indexer.rebuild()
            return IndexResult(more=True, error=str(error))

    def _work(self, extents: dict[str, int], rebuild: bool) -> IndexResult:
        if rebuild:
            self._indexer.rebuild()
        if rebuild or not self._verified or self._indexer.files() - extents.keys():
            self._indexer.verify(extents)
            self._verified = True
        more = True
        for _ in range(STEPS):
            more = more and self._indexer.step(extents)
        return IndexResult(ends=self._indexer.ends(), more=more)


def main(arguments: list[str]) -> None:
    """Serve until the input ends."""
    role, directory, index = arguments[0], Path(arguments[1]), Path(arguments[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides
    os.nice(_NICE[role])
    gc.disable()  # nothing here is made of cycles, and there are millions of small objects
    connection = _Connection()
    worker: Any = IndexWriter(directory, index) if role == "index" else Searcher(directory, index, connection)
    while request := connection.receive():
        if not isinstance(request, Cancel):
            connection.send(worker.answer(request))


if __name__ == "__main__":
    main(sys.argv[1:])
