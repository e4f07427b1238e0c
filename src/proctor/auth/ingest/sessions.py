# SPDX-License-Identifier: Apache-2.0
"""Owners of sessions and the fields that their events must agree with, kept in the backend."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import msgspec

from proctor.core.clock import Clock
from proctor.core.errors import AccessDenied
from proctor.core.tasks import Threads
from proctor.model.serde import from_json, to_json
from proctor.storage.base import Backend

REMEMBERED = timedelta(days=400)
"""How long after its last change a session is remembered: events that come later are refused."""

CACHED = 16_384
_threads = Threads("session-owner", 1)


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One session, as its ``session.attestation`` proves. Empty: not known.

    ``started``: the time of the statement. ``client``: its end of the TCP connection. ``attestation_uid``,
    ``start_uid`` and ``end_uid``: of ``session.attestation``, ``session.start`` and ``session.end``, so that
    one that is delivered again is distinguished from a second one.
    """

    host_id: str
    started: str = ""
    user: str = ""
    login: str = ""
    server_hostname: str = ""
    client: str = ""
    attestation_uid: str = ""
    start_uid: str = ""
    end_uid: str = ""


class SessionRegistry:
    """All sessions. ``recorded_by`` gives the host that a recording comes from, or the empty text.

    The methods belong to one event loop; changes are durable when they return.
    """

    def __init__(self, backend: Backend, recorded_by: Callable[[str], str], clock: Clock) -> None:
        self._backend = backend
        self._recorded_by = recorded_by
        self._clock = clock
        self._cache: OrderedDict[str, SessionRecord] = OrderedDict()

    async def find(self, sids: Iterable[str]) -> dict[str, SessionRecord]:
        """Those of ``sids`` that are known."""
        found = {sid: await self._find(sid) for sid in sids}
        return {sid: record for sid, record in found.items() if record is not None}

    async def _find(self, sid: str) -> SessionRecord | None:
        if (record := self._cache.get(sid)) is not None:
            self._cache.move_to_end(sid)
            return record
        item = await self._backend.get(_key(sid))
        if item is not None:
            record = from_json(item.value, SessionRecord)
        elif owner := await _threads.run(self._recorded_by, sid):
            record = SessionRecord(host_id=owner)
        else:
            return None
        self._remember(sid, record)
        return record

    def _remember(self, sid: str, record: SessionRecord) -> None:
        self._cache[sid] = record
        self._cache.move_to_end(sid)
        if len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    async def save(self, changed: Mapping[str, SessionRecord]) -> None:
        """Keep new and changed sessions."""
        expires = self._clock.now() + REMEMBERED
        for sid, record in changed.items():
            await self._backend.put(_key(sid), to_json(record), expires=expires)
            self._remember(sid, record)

    async def claim_recording(self, sid: str, host_id: str) -> None:
        """A host begins to upload the recording of ``sid``; raises AccessDenied if it is not its session."""
        record = await self._find(sid)
        if record is not None and record.host_id != host_id:
            raise AccessDenied(f"session {sid} belongs to another node")
        if record is None:
            await self.save({sid: SessionRecord(host_id=host_id)})


def _key(sid: str) -> str:
    return f"sessions/{sid}"
