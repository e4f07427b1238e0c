# SPDX-License-Identifier: Apache-2.0
"""Registry of host names in the backend: a name belongs to the host that had it first."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from proctor.auth import hashing
from proctor.core.clock import Clock, format_time, parse_time
from proctor.core.errors import AlreadyExists, LimitExceeded
from proctor.model.serde import from_json, to_json
from proctor.storage.base import Backend

HELD = timedelta(days=30)
"""How long a host that is not heard of keeps its names."""

MAX_NAMES = 160
"""Of one host: those of two services that join, and some that it was given later."""

_REFRESHED = timedelta(days=1)


class HostRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A host that has joined. ``joined``, ``joined_last``, ``seen``: RFC 3339, empty when not known.

    ``token``, ``secret``, ``peer``: digests of the token and of the host's secret, and the address, with
    which it joined last.
    """

    host_id: str
    joined: str = ""
    joined_last: str = ""
    seen: str = ""
    names: list[str] = []
    token: str = ""
    secret: str = ""
    peer: str = ""


class _Holder(msgspec.Struct, frozen=True):
    host_id: str


class HostRegistry:
    """All hosts; names are normalized (``auth.hosts.names``)."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock

    async def find(self, host_id: str) -> HostRecord | None:
        """The host, if it has joined and was heard of lately."""
        item = await self._backend.get(_host_key(host_id))
        return from_json(item.value, HostRecord) if item else None

    async def holder(self, name: str) -> str:
        """The id of the host that holds ``name``; empty when none does."""
        item = await self._backend.get(_name_key(name))
        return from_json(item.value, _Holder).host_id if item else ""

    async def joined(
        self, host_id: str, names: Iterable[str], *, token: str, secret: str, peer: str, shared: bool = False
    ) -> None:
        """A host joins (once more); it gets ``names``, which the caller has checked.

        ``shared``: names that another holds stay with that one. Raises AlreadyExists when another host gets
        one of them at the same moment, LimitExceeded for more than MAX_NAMES.
        """
        known = await self.find(host_id)
        now = format_time(self._clock.now())
        record = HostRecord(
            host_id=host_id,
            joined=known.joined if known else now,
            joined_last=now,
            seen=now,
            names=_bounded({*names, *(known.names if known else ())}),
            token=hashing.digest(token),
            secret=hashing.digest(secret),
            peer=peer,
        )
        for name in record.names:
            await self._hold(name, host_id, shared=shared)
        await self._put(record)

    async def _hold(self, name: str, host_id: str, *, shared: bool) -> None:
        value, expires = to_json(_Holder(host_id)), self._clock.now() + HELD
        try:
            await self._backend.create(_name_key(name), value, expires=expires)
        except AlreadyExists:
            if await self.holder(name) not in {host_id, ""}:
                if not shared:
                    raise AlreadyExists(f"the name {name} was given to another host just now") from None
                return
            await self._backend.put(_name_key(name), value, expires=expires)

    async def _put(self, record: HostRecord) -> None:
        expires = self._clock.now() + HELD
        await self._backend.put(_host_key(record.host_id), to_json(record), expires=expires)

    async def release(self, name: str) -> None:
        """The name is free for another host."""
        await self._backend.delete(_name_key(name))

    async def seen(self, host_id: str, name: str) -> None:
        """A host reports under ``name``, which the caller has checked: it keeps its names.

        Raises LimitExceeded when there would be more than MAX_NAMES of them.
        """
        record = await self.find(host_id)
        now = self._clock.now()
        if record is None:
            # It joined before hosts were kept here.
            record = HostRecord(host_id=host_id)
        elif name in record.names and now - _moment(record.seen, now) < _REFRESHED:
            return
        names = _bounded({*record.names, *([name] if name else ())})
        for each in names:
            await self._hold(each, host_id, shared=True)
        await self._put(msgspec.structs.replace(record, names=names, seen=format_time(now)))

    async def forget(self, host_id: str) -> bool:
        """Free the names of a host; False when there is no such host."""
        record = await self.find(host_id)
        if record is None:
            return False
        for name in record.names:
            if await self.holder(name) == host_id:
                await self.release(name)
        return await self._backend.delete(_host_key(host_id))


def _bounded(names: set[str]) -> list[str]:
    """A host that takes one name after the other would take them from all others."""
    if len(names) > MAX_NAMES:
        raise LimitExceeded(
            f"a host has at most {MAX_NAMES} names",
            hint="Free those of this host with tctl rm node/<id>, and have it join again.",
        )
    return sorted(names)


def _moment(text: str, default: datetime) -> datetime:
    with suppress(ValueError):
        return parse_time(text)
    return default - _REFRESHED


def _host_key(host_id: str) -> str:
    return f"hosts/{host_id}"


def _name_key(name: str) -> str:
    return f"hostnames/{name}"
