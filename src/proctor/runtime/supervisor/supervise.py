# SPDX-License-Identifier: Apache-2.0
"""``teleport start``: brings the services up in order, keeps them up, and takes them down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from proctor.config.boot import ServiceName
from proctor.core import wire
from proctor.core.errors import BadRequest, ProctorError
from proctor.core.tasks import TaskSet
from proctor.runtime import layout, logs
from proctor.runtime.diag.metrics import Metrics
from proctor.runtime.plan import Plan, changed, fixed
from proctor.runtime.supervisor import resume
from proctor.runtime.supervisor.debug_socket import DebugSocket
from proctor.runtime.supervisor.keeper import ServiceKeeper
from proctor.runtime.supervisor.launcher import JOINING, Launcher
from proctor.runtime.supervisor.resume import SavedService, SavedState, code_identity

_log = logging.getLogger(__name__)


class Supervisor:
    """Runs ``plan`` until it is stopped; ``replan`` reads the configuration again for SIGHUP."""

    def __init__(self, plan: Plan, replan: Callable[[], Plan], resumed: SavedState | None = None) -> None:
        """``resumed``: what the program before has left to this process."""
        self._plan = plan if resumed is None else plan.keeping(resumed.config)
        self._resumed = resumed
        self._code = code_identity()
        self._lock = -1
        self._replan = replan
        self._metrics = Metrics()
        self._launcher = Launcher(self._plan, self._answer)
        self._keepers: dict[ServiceName, ServiceKeeper] = {}
        self._debug = DebugSocket(self._launcher, self._keepers)
        self._tasks = TaskSet("supervisor")
        self._stop = asyncio.Event()
        self._changing = asyncio.Lock()

    async def run(self) -> None:
        """Start everything and return after a signal to stop and the drain.

        Raises ProctorError when a service cannot start for the first time; all others are stopped then.
        """
        teleport = self._plan.config.teleport
        self._launcher.host_uuid = layout.prepare(Path(teleport.data_dir))
        if self._resumed is not None:
            self._resume(self._resumed)
        self._install_signals()
        with contextlib.ExitStack() as stack:
            held = self._resumed.lock if self._resumed else -1
            self._lock = stack.enter_context(layout.locked(Path(teleport.data_dir), held))
            if teleport.pid_file:
                stack.callback(_write_pid(Path(teleport.pid_file)))
            self._debug.open(Path(teleport.data_dir) / "run/debug.sock")
            try:
                await self._run()
            finally:
                await self._stop_all()

    async def _run(self) -> None:
        starting = self._tasks.spawn(self._start_all(), name="start")
        stopping = self._tasks.spawn(self._stop.wait(), name="wait for a signal")
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and (failure := starting.result()) is not None:
            raise failure
        await stopping
        await asyncio.sleep(self._plan.config.teleport.shutdown_delay)

    def _install_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        loop.add_signal_handler(signal.SIGUSR2, self._on_upgrade)
        loop.add_signal_handler(signal.SIGQUIT, self._on_finish)
        resume.accept_signals()

    def _on_stop(self) -> None:
        if self._stop.is_set():
            _log.warning("second signal: stopping at once")
            for keeper in self._keepers.values():
                keeper.kill()
        else:
            _log.info("stopping")
            self._stop.set()

    async def _start_all(self) -> ProctorError | None:
        """Start every service in order; the error of the first that cannot."""
        diag: list[ServiceName] = ["diag"] if self._plan.config.teleport.diag_addr else []
        try:
            async with self._changing:
                if self._resumed is not None:
                    await self._replace_all()
                    return None
                for service in (*diag, *self._plan.services):
                    self._keepers[service] = ServiceKeeper(service, self._launcher, self._metrics)
                for keeper in list(self._keepers.values()):
                    await keeper.start()
        except ProctorError as error:
            return error
        _log.info("all services are ready", extra={"services": ",".join(self._plan.services)})
        return None

    def _resume(self, state: SavedState) -> None:
        """Take over the processes of the program before."""
        self._launcher.resume(state.launcher)
        if state.launcher.log_level:
            logs.set_severity(state.launcher.log_level)
        for saved in state.services:
            keeper = self._keepers[saved.service] = ServiceKeeper(
                saved.service, self._launcher, self._metrics
            )
            keeper.resume(saved)
        _log.info("the supervisor goes on with the code that is installed now")

    async def _replace_all(self) -> None:
        """Have the code that is installed now in each service, too, and follow the configuration."""
        for service in reversed(list(self._keepers)):
            if service not in (*self._plan.services, "diag"):
                await self._stop_one(service)
        diag: list[ServiceName] = ["diag"] if "diag" in self._keepers else []
        for service in (*diag, *self._plan.services):
            await self._bring_up(service)
        _log.info("all services are ready", extra={"services": ",".join(self._plan.services)})

    def _on_upgrade(self) -> None:
        self._tasks.spawn(self._upgrade(), name="upgrade")

    async def _upgrade(self) -> None:
        """Execute the program that is installed now; on failure all stays as it is."""
        async with self._changing:
            try:
                self._replan()
                await resume.check(self._state([]))
            except ProctorError as error:
                _log.error("there is no upgrade, the new program does not start: %s", error.diagnostics())
                return
            _log.info("executing the program that is installed now")
            services = [await keeper.detach() for keeper in self._keepers.values()]
            try:
                resume.execute(self._state(services))
            except OSError as error:
                _log.error("there is no upgrade: %s", error.strerror)
                for keeper in self._keepers.values():
                    keeper.reattach()

    def _state(self, services: list[SavedService]) -> SavedState:
        launcher = self._launcher.saved()
        return SavedState(config=self._plan.config, lock=self._lock, launcher=launcher, services=services)

    async def _stop_all(self) -> None:
        """Stop in the reverse order of the start, node and proxy together."""
        await self._tasks.close()
        await self._debug.close()
        await asyncio.gather(*(self._stop_one(service) for service in JOINING))
        for service in reversed(list(self._keepers)):
            await self._stop_one(service)

    async def _stop_one(self, service: ServiceName) -> None:
        if (keeper := self._keepers.pop(service, None)) is not None:
            await keeper.stop()

    async def _answer(self, operation: str, _message: wire.Message) -> Mapping[str, Any]:
        """Serve calls of services; only diag makes any."""
        match operation:
            case "readiness":
                return {"problems": await self._problems()}
            case "metrics":
                statuses = [await self._status(service) for service in ("capture", "auth")]
                return {"text": self._metrics.exposition(*statuses)}
            case _:
                raise BadRequest(f"no such operation: {operation!r}")

    async def _status(self, service: ServiceName) -> dict[str, object] | None:
        keeper = self._keepers.get(service)
        return await keeper.status() if keeper else None

    async def _problems(self) -> dict[str, dict[str, str]]:
        """Return the obstacles to each service's work; services that are ready are left out."""
        keepers = [keeper for keeper in self._keepers.values() if keeper.service != "diag"]
        found = await asyncio.gather(*(keeper.problems() for keeper in keepers))
        return {keeper.service: why for keeper, why in zip(keepers, found, strict=True) if why}

    def _on_finish(self) -> None:
        _log.info("stopping once nothing is under way any more")
        self._tasks.spawn(self._finish(), name="finish")

    async def _finish(self) -> None:
        """Let everything end by itself: first what people use, then what that needs."""
        async with self._changing:
            await asyncio.gather(
                *(self._keepers[service].finish() for service in JOINING if service in self._keepers)
            )
        self._stop.set()

    def _on_reload(self) -> None:
        changed_code = code_identity() != self._code
        self._tasks.spawn(self._upgrade() if changed_code else self._reload(), name="reload")

    async def _reload(self) -> None:
        if self._changing.locked():
            _log.info("the reload waits until the start, or the reload before, is done")
        async with self._changing:
            try:
                plan = self._replan()
            except ProctorError as error:
                _log.error("the configuration stays as it was, the new one is wrong: %s", error.diagnostics())
                return
            for name in fixed(self._plan.config, plan.config):
                _log.warning("%s stays as it was until teleport is started again", name)
            before, self._plan = self._plan, plan.keeping(self._plan.config)
            self._launcher.plan = self._plan
            await self._follow(before)

    async def _follow(self, before: Plan) -> None:
        for service in reversed(before.services):
            if service not in self._plan.services:
                await self._stop_one(service)
        for service in self._plan.services:
            if service in before.services and not changed(service, before.config, self._plan.config):
                continue
            _log.info("service %s follows the new configuration", service)
            await self._bring_up(service)

    async def _bring_up(self, service: ServiceName) -> None:
        """Start ``service``, or have it replaced by a new process."""
        keeper = self._keepers.get(service)
        if keeper is None:
            keeper = self._keepers[service] = ServiceKeeper(service, self._launcher, self._metrics)
            await keeper.try_start()
            return
        try:
            await keeper.replace()
        except ProctorError as error:
            _log.error("service %s stays as it was: %s", service, error.diagnostics())


def _write_pid(path: Path) -> Callable[[], None]:
    """Write our process id to ``path``; the function returned removes the file."""
    try:
        path.write_text(f"{os.getpid()}\n")
        path.chmod(0o644)
    except OSError as error:
        raise ProctorError(f"pid_file {path}: {error.strerror}") from None
    return lambda: path.unlink(missing_ok=True)
