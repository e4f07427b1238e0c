"""One service: started, kept up, stopped."""

from __future__ import annotations

import asyncio
import logging

from proctor.config.boot import ServiceName
from proctor.core.clock import SYSTEM
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.tasks import TaskSet
from proctor.runtime.channel import DRAIN_SECONDS, HANGUP_SECONDS
from proctor.runtime.diag.metrics import Metrics
from proctor.runtime.supervisor.launcher import Launcher, pauses
from proctor.runtime.supervisor.process import ServiceProcess, ended

PROBE_SECONDS = 5.0
"""In which a service must answer what it lacks; its own probes take less."""

_STEADY_SECONDS = 60.0
_UNASKED = frozenset({"spawner"})
"""Services without an event loop: the node finds out whether they work."""

_log = logging.getLogger(__name__)


class ServiceKeeper:
    """Starts ``service`` again whenever it has ended, until ``stop``."""

    def __init__(self, service: ServiceName, launcher: Launcher, metrics: Metrics) -> None:
        self.service = service
        self._launcher = launcher
        self._metrics = metrics
        self._process: ServiceProcess | None = None
        self._why = "it has not started yet"
        self._tasks = TaskSet(f"keep {service}")

    async def start(self) -> None:
        """Bring it up for the first time. Raises ProctorError when that is not possible."""
        await self._launch()
        self.keep()

    async def try_start(self) -> None:
        """As ``start``, but what is not possible is tried again and again."""
        await self._try_launch()
        self.keep()

    def keep(self) -> None:
        """Watch over it from now on."""
        self._tasks = TaskSet(f"keep {self.service}")
        self._tasks.spawn(self._keep(), name="run")

    async def problems(self) -> dict[str, str]:
        """What keeps it from doing its work, by name; empty when it is ready."""
        process = self._process
        if process is None or not process.running:
            return {"process": self._why}
        if self.service in _UNASKED:
            return {}
        try:
            answer = await process.call("probe", seconds=PROBE_SECONDS)
        except Unavailable as error:
            return {"process": error.message}
        return {str(name): str(reason) for name, reason in answer["problems"].items()}

    async def status(self) -> dict[str, object] | None:
        """What it counts; None when it does not answer."""
        try:
            if self._process is not None:
                return dict((await self._process.call("status", seconds=PROBE_SECONDS))["status"])
        except Unavailable as error:
            _log.debug("no status of %s: %s", self.service, error)
        return None

    async def stop(self) -> None:
        """End it: what is under way may end for a while, what is left is hung up."""
        await self._tasks.close()
        process, self._process = self._process, None
        if process is not None:
            status = await process.stop(DRAIN_SECONDS + HANGUP_SECONDS)
            _log.info("service %s has stopped (%s)", self.service, ended(status))
        self._down("it was stopped")
        self._launcher.listeners.release(self.service)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()

    async def _launch(self) -> None:
        self._process = await self._launcher.start(self.service)
        self._metrics.up(self.service, True)

    async def _try_launch(self) -> None:
        try:
            await self._launch()
        except ProctorError as error:
            _log.error("service %s did not start: %s", self.service, error.diagnostics())
            self._down(f"it does not start: {error.message}")
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
            pause = next(attempts)
            _log.info("starting service %s again in %.1f s", self.service, pause)
            await asyncio.sleep(pause)
            self._metrics.restarted(self.service)
            await self._try_launch()

    def _down(self, why: str) -> None:
        self._why = why
        self._metrics.up(self.service, False)
