# SPDX-License-Identifier: Apache-2.0
"""The entry of every service process: ``python -P -m proctor.runtime.service NAME``.

Started by the supervisor only, which sends the boot over standard input. Services that parse the
network go through the sandbox first; capture and spawner stay root in the host's own namespaces.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from proctor.config.boot import ServiceBoot
from proctor.core import tasks, wire
from proctor.core.accept import raise_descriptor_limit
from proctor.core.errors import EXIT_FAILURE, BadRequest, ProctorError, Unavailable
from proctor.core.tasks import TaskSet
from proctor.runtime import logs
from proctor.runtime.diag import profiler
from proctor.runtime.privileges import profiles, sandbox
from proctor.runtime.privileges.service_users import ServiceUser
from proctor.runtime.service_channel import DRAIN_SECONDS, HANGUP_SECONDS, Calls, SupervisorChannel

if TYPE_CHECKING:
    from proctor.runtime.build import Service

_log = logging.getLogger(__name__)
ASK_SECONDS = 8.0
"""For the supervisor's answer, which waits for those of all services."""

_PRIVILEGED = {"capture", "spawner"}


def main() -> int:
    """Run the service to its end; the exit status."""
    channel = SupervisorChannel()
    body, descriptors = channel.receive()
    boot = ServiceBoot.decode(body)
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    listeners = dict(zip(boot.listeners, sockets, strict=True))
    try:
        logs.configure(boot.config.teleport.log, boot.service, debug=boot.debug)
        if boot.service in _PRIVILEGED:
            os.chdir("/")
            os.umask(0o077)
            profiles.confine(boot.service)
        else:
            sandbox.enter(ServiceUser(boot.uid, boot.gid), [boot.data_dir])
        _run(boot, channel, listeners)
    except ProctorError as error:
        channel.failed(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last edge of the process
        what = str(error) if isinstance(error, OSError) else f"unexpected {type(error).__name__}: {error}"
        _log.error("%s", what, exc_info=error if boot.debug else None)
        channel.failed(ProctorError(f"{boot.service}: {what}"))
        return EXIT_FAILURE
    return os.EX_OK


def _run(boot: ServiceBoot, channel: SupervisorChannel, listeners: Mapping[str, socket.socket]) -> None:
    from proctor.runtime import build  # noqa: PLC0415 - large; loaded with the rights it is to run with

    if boot.service == "spawner":
        build.run_spawner(boot, channel.ready, listeners)
    else:
        raise_descriptor_limit()
        asyncio.run(_Process(boot, channel, listeners).run())


class _Process:
    """One service with an event loop, from its start to its end."""

    def __init__(
        self, boot: ServiceBoot, channel: SupervisorChannel, listeners: Mapping[str, socket.socket]
    ) -> None:
        self._boot = boot
        self._channel = channel
        self._listeners = listeners
        self._service: Service | None = None
        self._tasks = TaskSet("process")
        self._finished = False
        self._stop = asyncio.Event()
        self._orphaned = False
        self._failed = False
        self._calls: Calls | None = None

    async def run(self) -> None:
        """Serve until SIGTERM, the end of the supervisor, that of a vital task, or that of all work."""
        from proctor.runtime import build  # noqa: PLC0415 - as above

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        tasks.on_vital_end(self._fail)
        if self._boot.service in _PRIVILEGED:
            loop.set_exception_handler(self._on_loop_error)
        if self._boot.standby:
            build.preload(self._boot)
            self._channel.ready(standby=True)
        else:
            self._channel.ready(**await self._start({}))
        self._calls = self._channel.calls(self._handle, self._abandon)
        await self._stop.wait()
        await self._end()

    async def _start(self, handover: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to serve; what the supervisor is to know. Raises ProctorError or OSError."""
        from proctor.runtime import build  # noqa: PLC0415 - as above

        if self._boot.service == "diag":
            service: Service = build.diag(self._listeners, self._ask)
        else:
            service = build.service(self._boot, self._listeners)
        service.adopt(handover)
        details = await service.start()
        profiles.filter_calls(self._boot.service)
        self._service = service
        if self._boot.recover:
            self._tasks.spawn(self._finish(service), name="finish")
        return details

    async def _end(self) -> None:
        service = self._service
        if service is None:
            return
        if self._failed:
            await _end_broken(service)
        if not self._orphaned and not self._finished:
            await service.drain(DRAIN_SECONDS)
        await service.stop()
        if self._finished and self._boot.slot:
            _remove_slot(self._boot)
        _log.info("stopped")

    async def _finish(self, service: Service) -> None:
        """End by ourselves once nothing is left to be done."""
        try:
            await service.finished()
        except Exception as error:  # noqa: BLE001 - it must end in any case
            self._fail(f"what is left cannot be finished: {error}")
        self._finished = True
        self._stop.set()

    async def _handle(self, operation: str, message: wire.Message) -> Mapping[str, Any]:
        """Serve calls of the supervisor; see ``channel.Handler``."""
        if operation == "activate" and self._service is None:
            try:
                return {"details": await self._start(message["handover"])}
            except OSError as error:
                raise Unavailable(str(error)) from None
        service = self._service
        if service is None:
            raise Unavailable("it waits for its predecessor")
        match operation:
            case "probe":
                return {"problems": dict(await service.probe())}
            case "status":
                return {"status": dict(service.status())}
            case "set-log-level":
                return {"former": logs.set_severity(str(message["level"]))}
            case "profile":
                stats = await profiler.profile(float(message["duration"]))
                return {"stats": base64.b64encode(stats).decode()}
            case "retire":
                handover = dict(await service.retire())
                self._tasks.spawn(self._finish(service), name="finish")
                return {"handover": handover}
            case _:
                raise BadRequest(f"no such operation: {operation!r}")

    async def _ask(self, what: str) -> Mapping[str, Any]:
        if self._calls is None:
            raise Unavailable("it has not started yet")
        return await self._calls.call(what, seconds=ASK_SECONDS)

    def _fail(self, reason: str) -> None:
        _log.critical("%s; the service ends, to be started again", reason)
        self._failed = True
        self._stop.set()

    def _abandon(self) -> None:
        self._orphaned = True
        self._stop.set()

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback of this service failed, which input from outside cannot cause: end the process."""
        loop.default_exception_handler(context)
        if "handle" in context and context.get("exception") is not None:
            self._fail(f"a callback has failed: {context['exception']}")


def _remove_slot(boot: ServiceBoot) -> None:
    """Remove what is left in directories that nothing waits in any more."""
    for directory in (boot.spool_dir, boot.upload_dir):
        for path in directory.glob("*"):
            if path.is_file():
                path.unlink()


async def _end_broken(service: Service) -> NoReturn:
    """End sessions with their record complete, if that still works, and the process in any case."""
    try:
        async with asyncio.timeout(HANGUP_SECONDS):
            await service.stop()
    except Exception:  # noqa: BLE001 - whatever it is, it must not keep the process alive
        _log.exception("what is left cannot be put in order")
    logging.shutdown()
    os._exit(EXIT_FAILURE)  # threads that hang must not keep it


if __name__ == "__main__":
    sys.exit(main())
