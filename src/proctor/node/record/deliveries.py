# SPDX-License-Identifier: Apache-2.0
"""Log of stored messages of capture, so that a redelivered one is not stored twice.

A message is stored in two steps, into the recording and into the spool, and acknowledged in a third.
Before the first, its number and the ends of both are noted; after a crash the ends tell which steps
were done.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from proctor.core.durable import append_at, replace_file
from proctor.core.errors import Corrupted
from proctor.model.serde import from_json, to_json

LONGEST = 1 << 18
"""Bytes of the file beyond which it is rewritten."""

_FAILURE = "what capture has delivered cannot be noted: %s"
_log = logging.getLogger(__name__)


class PendingDelivery(msgspec.Struct, frozen=True):
    """The message about to be stored. ``ei``: of its first event; ``position``: of the spool before it."""

    sid: str
    seq: int
    ei: int
    position: int


class _State(msgspec.Struct):
    stored: dict[str, int] = {}
    intent: PendingDelivery | None = None

    def note(self, intent: PendingDelivery) -> None:
        self.stored[intent.sid] = intent.seq
        self.intent = intent


class DeliveryLog:
    """The notes, in ``path``: all of them in its first line, and one line for each that came later.

    They outlive the process, not a power failure: nor does capture. Where they cannot be written, a crash
    could double events; refusing to go on would lose them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = _load(path)
        self._size = 0
        self._descriptor = -1
        self._save()
        self.interrupted = self._state.intent
        """The last message noted by a previous run, which may be stored in part."""

    def stored(self, sid: str) -> int:
        """Number of the last message of ``sid`` that was noted; 0 when none was."""
        return self._state.stored.get(sid, 0)

    def note(self, intent: PendingDelivery) -> None:
        """``intent`` is about to be stored."""
        self._state.note(intent)
        if self._descriptor < 0 or self._size > LONGEST:
            self._save()
            return
        line = to_json(intent) + b"\n"
        try:
            self._size = append_at(self._descriptor, line, self._size)
        except OSError as error:
            _log.error(_FAILURE, error)

    def forget(self, sid: str) -> None:
        """Nothing of ``sid`` follows."""
        if self._state.stored.pop(sid, None) is not None:
            self._save()

    def keep_only(self, sids: set[str]) -> None:
        """Forget all sessions but those that capture still knows."""
        self._state.stored = {sid: seq for sid, seq in self._state.stored.items() if sid in sids}
        self._save()

    def close(self) -> None:
        """Release the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _save(self) -> None:
        self.close()
        text = to_json(self._state) + b"\n"
        try:
            replace_file(self._path, text, sync=False)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            _log.error(_FAILURE, error)
        self._size = len(text)


def _load(path: Path) -> _State:
    """Load the notes of a previous run; a line that it did not finish was not acted on."""
    try:
        first, *later = path.read_bytes().split(b"\n")
        state = from_json(first, _State)
    except (FileNotFoundError, Corrupted):
        return _State()
    for line in later[:-1]:
        try:
            state.note(from_json(line, PendingDelivery))
        except Corrupted:
            break
    return state
