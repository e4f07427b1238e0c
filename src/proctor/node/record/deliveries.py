"""Which of capture's messages were stored, so that one sent again after a crash is stored once.

A message is stored in two steps, into the recording and into the spool, and acknowledged in a third.
Before the first, its number and the ends of both are noted; after a crash the ends tell which steps
were done.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from proctor.core.errors import Corrupted
from proctor.model.serde import from_json, to_json

_log = logging.getLogger(__name__)


class Intent(msgspec.Struct, frozen=True):
    """The message about to be stored. ``ei``: of its first event; ``position``: of the spool before it."""

    sid: str
    seq: int
    ei: int
    position: int


class _State(msgspec.Struct):
    stored: dict[str, int] = {}
    intent: Intent | None = None


class Deliveries:
    """The notes, in ``path``. They outlive the process, not a power failure: nor does capture.

    Where they cannot be written, a crash could double events; refusing to go on would lose them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._state = from_json(path.read_bytes(), _State)
        except (FileNotFoundError, Corrupted):
            self._state = _State()
        self.interrupted = self._state.intent
        """The last message noted by a previous run, which may be stored in part."""

    def stored(self, sid: str) -> int:
        """Number of the last message of ``sid`` that was noted; 0 when none was."""
        return self._state.stored.get(sid, 0)

    def note(self, intent: Intent) -> None:
        """``intent`` is about to be stored."""
        self._state.stored[intent.sid] = intent.seq
        self._state.intent = intent
        self._save()

    def forget(self, sid: str) -> None:
        """Nothing of ``sid`` follows."""
        if self._state.stored.pop(sid, None) is not None:
            self._save()

    def keep_only(self, sids: set[str]) -> None:
        """Forget all sessions but those that capture still knows."""
        self._state.stored = {sid: seq for sid, seq in self._state.stored.items() if sid in sids}
        self._save()

    def _save(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(to_json(self._state))
            os.replace(fresh, self._path)
        except OSError as error:
            _log.error("what capture has delivered cannot be noted: %s", error)
