# SPDX-License-Identifier: Apache-2.0
"""``run/debug.sock``: what ``teleport debug`` asks of the supervisor, with calls of ``service_channel``.

Only root and the account of the supervisor get in: by the mode of the socket, and by what the kernel says
about the process at the other end.

* ``get-log-level`` → ``{"level": "INFO"}``
* ``set-log-level``, ``level`` → ``{"former": "INFO", "level": "DEBUG", "failed": {service: reason}}``
* ``profile``, ``duration`` in seconds, ``services`` (empty: all) → ``{"profiles": {service: base64 of
  pstats}, "failed": {service: reason}}``
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

from proctor.config.boot import ServiceName
from proctor.config.values import read_severity
from proctor.core import unixsock, wire
from proctor.core.accept import accept
from proctor.core.errors import BadRequest, Unavailable
from proctor.core.tasks import TaskSet
from proctor.runtime import logs
from proctor.runtime.diag import profiler
from proctor.runtime.service_channel import CALL_SECONDS, Calls
from proctor.runtime.supervisor.keeper import ServiceKeeper
from proctor.runtime.supervisor.launcher import Launcher

MAX_CONNECTIONS = 16
MAX_PROFILE_SECONDS = 600
_LONGEST_CALL = 4 << 10
_log = logging.getLogger(__name__)


class DebugSocket:
    """Answers for the supervisor and the services in ``keepers``, which may change."""

    def __init__(self, launcher: Launcher, keepers: Mapping[ServiceName, ServiceKeeper]) -> None:
        self._launcher = launcher
        self._keepers = keepers
        self._tasks = TaskSet("debug")
        self._listener: socket.socket | None = None
        self._open: set[Calls] = set()

    def open(self, path: Path) -> None:
        """Listen at ``path``; when that is not possible, the log says so."""
        try:
            self._listener = unixsock.listen(path)
        except OSError as error:
            _log.warning("teleport debug cannot reach this process: %s: %s", path, error.strerror)
            return
        self._tasks.spawn(accept(self._listener, self._accepted), name="accept")

    async def close(self) -> None:
        """Answer no more."""
        await self._tasks.close()
        for calls in list(self._open):
            await self._end(calls)
        if self._listener is not None:
            self._listener.close()

    def _accepted(self, connection: socket.socket, _: object) -> None:
        uid = unixsock.peer(connection).uid
        if uid not in {0, os.geteuid()} or len(self._open) >= MAX_CONNECTIONS:
            _log.warning("a connection to the debug socket is refused", extra={"uid": uid})
            connection.close()
            return

        def closed() -> None:
            self._tasks.spawn(self._end(calls), name="end of a connection")

        calls = Calls(connection, self._answer, closed, longest_call=_LONGEST_CALL)
        self._open.add(calls)

    async def _end(self, calls: Calls) -> None:
        await calls.close()
        self._open.discard(calls)  # only then: when this is cut short, close() does it again

    async def _answer(self, operation: str, message: wire.Message) -> Mapping[str, Any]:
        match operation:
            case "get-log-level":
                return {"level": logs.severity()}
            case "set-log-level":
                return await self._set_level(str(message.get("level", "")))
            case "profile":
                return await self._profile(message.get("duration"), message.get("services"))
            case _:
                raise BadRequest(f"no such operation: {operation!r}")

    async def _set_level(self, text: str) -> dict[str, Any]:
        try:
            level = read_severity(text)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        former = logs.set_severity(level)
        self._launcher.log_level = level
        _log.info("the log level is %s now, after %s", level, former)
        _, failed = await _gather(
            {name: _set_level_of(keeper, level) for name, keeper in self._keepers.items()}
        )
        return {"former": former, "level": level, "failed": failed}

    async def _profile(self, seconds: object, services: object) -> dict[str, Any]:
        if not isinstance(seconds, int) or not 1 <= seconds <= MAX_PROFILE_SECONDS:
            raise BadRequest(f"a profile takes 1 to {MAX_PROFILE_SECONDS} seconds")
        actions: dict[str, Awaitable[str]] = {
            name: _profile_of(keeper, seconds) for name, keeper in self._chosen(services).items()
        }
        profiles, failed = await _gather(actions)
        return {"profiles": profiles, "failed": failed}

    def _chosen(self, services: object) -> dict[str, ServiceKeeper | None]:
        """The keepers of the named services, None for the supervisor. Raises BadRequest."""
        known: dict[str, ServiceKeeper | None] = {"supervisor": None}
        known.update({str(name): keeper for name, keeper in self._keepers.items()})
        wanted = [str(name) for name in services] if isinstance(services, list) else []
        if unknown := ", ".join(name for name in wanted if name not in known):
            raise BadRequest(
                f"no such service on this host: {unknown}", hint=f"There are: {', '.join(known)}."
            )
        return {name: known[name] for name in wanted or known}


async def _set_level_of(keeper: ServiceKeeper, level: str) -> str:
    return str((await keeper.ask("set-log-level", level=level)).get("former"))


async def _profile_of(keeper: ServiceKeeper | None, seconds: int) -> str:
    """Base64 of what ``pstats`` reads; of this process without a ``keeper``. Raises Unavailable."""
    if keeper is None:
        return base64.b64encode(await profiler.profile(seconds)).decode()
    answer = await keeper.ask("profile", seconds=seconds + CALL_SECONDS, duration=seconds)
    return str(answer.get("stats"))


async def _gather(actions: Mapping[str, Awaitable[str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Results by name, and reasons of those that are Unavailable."""
    results = await asyncio.gather(*actions.values(), return_exceptions=True)
    done: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name, result in zip(actions, results, strict=True):
        if isinstance(result, Unavailable):
            failed[name] = result.message
        elif isinstance(result, BaseException):
            raise result
        else:
            done[name] = result
    return done, failed
