# SPDX-License-Identifier: Apache-2.0
"""One service: started, kept up, replaced without a gap, stopped."""

from __future__ import annotations

import asyncio
import itertools
import logging
import signal
from collections.abc import Mapping
from typing import Any

from proctor.config.boot import ServiceName
from proctor.core import wire
from proctor.core.clock import SYSTEM
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.tasks import TaskSet
from proctor.runtime.diag.metrics import Metrics
from proctor.runtime.service_channel import DRAIN_SECONDS, HANGUP_SECONDS
from proctor.runtime.supervisor.launcher import JOINING, Launcher, pauses
from proctor.runtime.supervisor.process import ServiceProcess, ended
from proctor.runtime.supervisor.resume import SavedService

PROBE_SECONDS = 5.0
"""In which a service must answer what it lacks; its own probes take less."""

RETIRE_SECONDS = 15.0
"""In which a process must let go of what its successor needs; after that it is stopped."""

ACTIVATE_SECONDS = 60.0
_STEADY_SECONDS = 60.0
_WITHOUT_CALLS = frozenset({"spawner"})
"""Services without an event loop: the node finds out whether they work, and signals are all they hear."""

_log = logging.getLogger(__name__)


class ServiceKeeper:
    """Keeps one process of ``service`` up until ``stop``; its predecessors go on until they are finished."""

    def __init__(self, service: ServiceName, launcher: Launcher, metrics: Metrics) -> None:
        self.service = service
        self._launcher = launcher
        self._metrics = metrics
        self._process: ServiceProcess | None = None
        self._slot = 0
        self._former: dict[ServiceProcess, int] = {}
        self._why = "it has not started yet"
        self._restarts = 0
        self._tasks = TaskSet(f"keep {service}")
        self._endings = TaskSet(f"endings of {service}")

    async def start(self) -> None:
        """Bring it up for the first time. Raises ProctorError when that is not possible."""
        await self._launch()
        self._keep_running()
        for slot in self._launcher.used_slots(self.service):
            self._endings.spawn(self._recover(slot), name=f"recover slot {slot}")

    async def try_start(self) -> None:
        """As ``start``, but what is not possible is tried again and again."""
        await self._try_launch()
        self._keep_running()

    async def detach(self) -> SavedService:
        """Leave it to another program, which resumes it by this."""
        await self._tasks.close()
        await self._endings.close()
        process = self._process if self._process and self._process.running else None
        return SavedService(
            service=self.service,
            process=await process.detach(self._slot) if process else None,
            slot=self._slot,
            former=[await former.detach(slot) for former, slot in self._former.items()],
            restarts=self._restarts,
        )

    def reattach(self) -> None:
        """No other program has come: go on here after ``detach``."""
        for process, slot in self._former.items():
            self._launcher.attach(process)
            self._endings.spawn(self._follow(process, slot), name=f"end of {process.pid}")
        if self._process is not None:
            self._launcher.attach(self._process)
        self._keep_running()

    def resume(self, saved: SavedService) -> None:
        """Go on with the processes that the program before has left."""
        self._slot = saved.slot
        if saved.process is not None:
            self._process = self._launcher.adopt(self.service, saved.process)
            self._metrics.up(self.service, True)
        for former in saved.former:
            process = self._launcher.adopt(self.service, former)
            self._former[process] = former.slot
            self._endings.spawn(self._follow(process, former.slot), name=f"end of {process.pid}")
        self._count_restarts(saved.restarts)
        self._keep_running()

    def _count_restarts(self, number: int) -> None:
        self._restarts += number
        self._metrics.restarted(self.service, number)

    async def problems(self) -> dict[str, str]:
        """Return the obstacles to its work, by name; empty when it is ready."""
        if self.service in _WITHOUT_CALLS and self._process is not None and self._process.running:
            return {}
        try:
            problems = await self.ask("probe", returns="problems")
        except Unavailable as error:
            return {"process": error.message}
        return {str(name): str(reason) for name, reason in problems.items()}

    async def status(self) -> dict[str, object] | None:
        """Return its counters; None when it does not answer."""
        try:
            return await self.ask("status", returns="status")
        except Unavailable as error:
            _log.debug("no status of %s: %s", self.service, error)
            return None

    async def ask(self, operation: str, *, seconds: float = PROBE_SECONDS, **fields: Any) -> wire.Message:
        """Call its current process, see ``ServiceProcess.call``; raises Unavailable."""
        if self._process is None or not self._process.running:
            raise Unavailable(self._why)
        if self.service in _WITHOUT_CALLS:
            raise Unavailable("it takes no calls while it runs")
        return await self._process.call(operation, seconds=seconds, **fields)

    async def replace(self) -> None:
        """Have a new process take over; the one there is goes on with what it has until that has ended.

        When the new one cannot start, the old one stays. Raises ProctorError with the reason.
        """
        await self._tasks.close()  # nothing else starts a process, should the old one end meanwhile
        old, slot = self._process, self._slot
        if old is None or not old.running:
            await self.try_start()
            return
        if self.service in JOINING:  # only services with a spool need a slot of their own
            used = {slot, *self._former.values()}
            self._slot = next(each for each in itertools.count() if each not in used)
        try:
            new = await self._start_successor()
        except ProctorError:
            self._slot = slot
            self._keep_running()
            raise
        self._former[old] = slot
        self._process = new
        try:
            await self._take_over(old, new)
        except Unavailable as error:
            _log.error("service %s cannot take over: %s", self.service, error.message)
            await new.stop(1.0)
        self._endings.spawn(self._follow(old, slot), name=f"end of {old.pid}")
        self._keep_running()

    async def _start_successor(self) -> ServiceProcess:
        standby = self.service not in _WITHOUT_CALLS
        return await self._launcher.start(self.service, self._slot, standby=standby)

    async def _take_over(self, old: ServiceProcess, new: ServiceProcess) -> None:
        """Move the work from ``old`` to ``new``. Raises Unavailable when ``new`` cannot do it."""
        handover = await self._retire(old)
        if self.service in _WITHOUT_CALLS:
            return
        details = await new.call("activate", seconds=ACTIVATE_SECONDS, returns="details", handover=handover)
        self._launcher.learn(self.service, details)
        _log.info("service %s is ready", self.service, extra={"pid": new.pid, "former": old.pid})

    async def _retire(self, process: ServiceProcess) -> Mapping[str, Any]:
        if self.service in _WITHOUT_CALLS:
            process.signal(signal.SIGQUIT)
            return {}
        try:
            return await process.call("retire", seconds=RETIRE_SECONDS, returns="handover")
        except Unavailable as error:
            _log.error("the former %s is stopped, it does not let go: %s", self.service, error.message)
            await process.stop(DRAIN_SECONDS + HANGUP_SECONDS)
            return {}

    async def _follow(self, process: ServiceProcess, slot: int) -> None:
        """Wait until a former process has finished; when it was killed, deliver what it had."""
        status = await process.wait()
        del self._former[process]
        _log.info("the former process %d of %s has ended (%s)", process.pid, self.service, ended(status))
        if status and self.service in JOINING:
            await self._recover(slot)

    async def _recover(self, slot: int) -> None:
        """Run a process that delivers what is in ``slot`` and ends then."""
        for pause in pauses():
            try:
                process = await self._launcher.start(self.service, slot, recover=True)
            except ProctorError as error:
                _log.error("what is in slot %d of %s waits: %s", slot, self.service, error.message)
            else:
                self._former[process] = slot
                status = await process.wait()
                del self._former[process]
                if not status:
                    return
            await asyncio.sleep(pause)

    async def finish(self) -> None:
        """End it without cutting anything off: return when all of its processes have finished."""
        await self._tasks.close()
        process, self._process = self._process, None
        if process is not None:
            await self._retire(process)
            self._former[process] = self._slot
            self._endings.spawn(self._follow(process, self._slot), name=f"end of {process.pid}")
        self._down("it ends once nothing is left to be done")
        self._launcher.listeners.release(self.service)
        await self._endings.drain(None)

    async def stop(self) -> None:
        """End it: what is under way may end for a while, what is left is hung up."""
        await self._tasks.close()
        await self._endings.close()
        processes = [*self._former, *([self._process] if self._process else [])]
        self._process = None
        self._former.clear()
        await asyncio.gather(*(self._stop(process) for process in processes))
        self._down("it was stopped")
        self._launcher.listeners.release(self.service)

    async def _stop(self, process: ServiceProcess) -> None:
        status = await process.stop(DRAIN_SECONDS + HANGUP_SECONDS)
        _log.info("service %s has stopped (%s)", self.service, ended(status))

    def kill(self) -> None:
        """End all of its processes at once."""
        for process in [*self._former, *([self._process] if self._process else [])]:
            process.kill()

    def _keep_running(self) -> None:
        self._tasks = TaskSet(f"keep {self.service}")
        self._tasks.spawn(self._keep(), name="run")

    async def _launch(self) -> None:
        self._process = await self._launcher.start(self.service, self._slot)
        if self.service == "capture":
            self._launcher.absence.ends()
        self._metrics.up(self.service, True)

    async def _try_launch(self) -> None:
        try:
            await self._launch()
        except ProctorError as error:
            _log.error("service %s did not start: %s", self.service, error.diagnostics())
            self._down(f"it does not start: {error.message}")
            self._missing()
            self._launcher.listeners.release(self.service)

    async def _keep(self) -> None:
        """Start it again whenever it has ended."""
        attempts = pauses()
        while True:
            if (process := self._process) is not None:
                started = SYSTEM.monotonic()
                status = await process.wait()
                self._process = None
                if SYSTEM.monotonic() - started > _STEADY_SECONDS:
                    attempts = pauses()
                _log.error("service %s ended unexpectedly (%s)", self.service, ended(status))
                self._down(f"it ended unexpectedly ({ended(status)})")
                self._missing()
            pause = next(attempts)
            _log.info("starting service %s again in %.1f s", self.service, pause)
            await asyncio.sleep(pause)
            self._count_restarts(1)
            await self._try_launch()

    def _missing(self) -> None:
        """It is not there, and should be."""
        if self.service == "capture":
            self._launcher.absence.begins()

    def _down(self, why: str) -> None:
        self._why = why
        self._metrics.up(self.service, False)
