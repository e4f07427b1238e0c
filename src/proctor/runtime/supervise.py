"""``teleport start``: brings the services up in order, keeps them up, and takes them down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from proctor.config import secrets as secrets_of
from proctor.config.boot import ServiceBoot, ServiceName
from proctor.core.clock import SYSTEM
from proctor.core.errors import ProctorError
from proctor.core.tasks import TaskSet
from proctor.runtime import join, keypairs, layout
from proctor.runtime.channel import DRAIN_SECONDS, HANGUP_SECONDS, Child, ServiceFailed, ended
from proctor.runtime.diag import DiagServer, Metrics
from proctor.runtime.plan import Plan, changed, fixed
from proctor.runtime.privileges.accounts import account_of

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
_STEADY_SECONDS = 60.0
JOINING: tuple[ServiceName, ...] = ("node", "proxy")


def pauses() -> Iterator[float]:
    """Seconds to wait before each next attempt: doubling up to a bound."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)


class Supervisor:
    """Runs ``plan`` until told to stop; ``replan`` reads the configuration again for SIGHUP."""

    def __init__(self, plan: Plan, replan: Callable[[], Plan]) -> None:
        self._plan = plan
        self._replan = replan
        self._host_uuid = ""
        self._run_id = str(uuid.uuid4())
        self._local_token = secrets.token_hex(32)
        self._auth_address = ""
        self._local_pins: list[str] = []
        self._joined = False
        self._children: dict[ServiceName, Child] = {}
        self._keepers: dict[ServiceName, asyncio.Task[None]] = {}
        self._states: dict[str, bool] = dict.fromkeys(plan.services, False)
        self._metrics = Metrics()
        self._tasks = TaskSet("supervisor")
        self._stop = asyncio.Event()
        self._changing = asyncio.Lock()

    async def run(self) -> None:
        """Start everything and return after a signal to stop and the drain.

        Raises ProctorError when a service cannot start for the first time; all others are stopped then.
        """
        teleport = self._plan.config.teleport
        self._host_uuid = layout.prepare(Path(teleport.data_dir))
        self._install_signals()
        with contextlib.ExitStack() as stack:
            stack.enter_context(layout.locked(Path(teleport.data_dir)))
            if "capture" in self._plan.services:
                self._metrics.watch_capture(self._boot("capture").capture_socket)
            if teleport.diag_addr:
                diag = DiagServer(teleport.diag_addr, self._metrics, lambda: self._states)
                stack.callback(diag.close)
            if teleport.pid_file:
                stack.callback(_write_pid(Path(teleport.pid_file)))
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

    def _on_stop(self) -> None:
        if self._stop.is_set():
            _log.warning("second signal: stopping at once")
            for child in self._children.values():
                child.signal(signal.SIGKILL)
        else:
            _log.info("stopping")
            self._stop.set()

    async def _start_all(self) -> ProctorError | None:
        """Start every service in order; the error of the first that cannot."""
        try:
            async with self._changing:
                for service in self._plan.services:
                    await self._start(service)
        except ProctorError as error:
            return error
        _log.info("all services are ready", extra={"services": ",".join(self._plan.services)})
        return None

    async def _start(self, service: ServiceName) -> None:
        """Bring ``service`` up for the first time and have it kept up."""
        self._states[service] = False
        if service != "auth" and not self._joined:
            await self._join_all()
        await self._launch(service)
        self._keepers[service] = self._tasks.spawn(self._keep(service), name=f"keep {service}")

    async def _join_all(self) -> None:
        for service in JOINING:
            if service in self._plan.services:
                await self._join(service)
        self._joined = True

    async def _join(self, service: ServiceName) -> None:
        """See to it that ``service`` has an identity, and find out where auth is."""
        for pause in pauses():
            try:
                self._auth_address = await join.ensure(self._boot(service), self._way())
                return
            except ServiceFailed as failure:
                if not failure.retry:
                    raise
                _log.warning("%s; trying again in %.1f s", failure.message, pause)
                await asyncio.sleep(pause)

    def _way(self) -> join.Way:
        """How the services of this host get to auth."""
        config = self._plan.config
        if "auth" in self._plan.services:
            return join.Way([self._auth_address], self._local_token, self._local_pins)
        return join.Way(self._plan.auth_candidates, secrets_of.join_token(config), secrets_of.ca_pins(config))

    async def _launch(self, service: ServiceName) -> None:
        if service in JOINING:
            await self._join(service)
        child = await Child.start("proctor.runtime.service", service, self._boot(service).encode())
        self._children[service] = child
        details = await child.answer()
        if service == "auth":
            self._auth_address, self._local_pins = str(details["address"]), list(details["ca_pins"])
        self._states[service] = True
        self._metrics.up(service, True)
        _log.info("service %s is ready", service, extra={"pid": child.pid})

    def _boot(self, service: ServiceName) -> ServiceBoot:
        account = account_of(service)
        plan = self._plan
        return ServiceBoot(
            service=service,
            config=keypairs.adopted(plan.config) if service == "proxy" else plan.config,
            host_uuid=self._host_uuid,
            run_id=self._run_id,
            uid=account.uid,
            gid=account.gid,
            node_uid=account_of("node").uid,
            auth_address=self._auth_address,
            node_name=plan.node_name,
            cluster_name=plan.cluster_name,
            local_join_token=self._local_token if service == "auth" else "",
            skip_version_check=plan.flags.skip_version_check,
            debug=plan.flags.debug,
        )

    async def _keep(self, service: ServiceName) -> None:
        """Start ``service`` again whenever it has ended."""
        attempts = pauses()
        while True:
            if (child := self._children.get(service)) is not None:
                started = SYSTEM.monotonic()
                status = await child.wait()
                if SYSTEM.monotonic() - started > _STEADY_SECONDS:
                    attempts = pauses()
                _log.error("service %s ended unexpectedly (%s)", service, ended(status))
            self._down(service)
            pause = next(attempts)
            _log.info("starting service %s again in %.1f s", service, pause)
            await asyncio.sleep(pause)
            self._metrics.restarted(service)
            await self._try_launch(service)

    async def _try_launch(self, service: ServiceName) -> None:
        try:
            await self._launch(service)
        except ProctorError as error:
            _log.error("service %s did not start: %s", service, error.diagnostics())
            if (child := self._children.pop(service, None)) is not None:
                await child.stop(1.0)

    def _down(self, service: ServiceName) -> None:
        self._states[service] = False
        self._metrics.up(service, False)

    async def _stop_one(self, service: ServiceName) -> None:
        if (keeper := self._keepers.pop(service, None)) is not None:
            keeper.cancel()
        if (child := self._children.pop(service, None)) is not None:
            status = await child.stop(DRAIN_SECONDS + HANGUP_SECONDS)
            _log.info("service %s has stopped (%s)", service, ended(status))
        self._down(service)

    async def _stop_all(self) -> None:
        """Stop in the reverse order of the start, node and proxy together."""
        await self._tasks.close()
        await asyncio.gather(*(self._stop_one(service) for service in JOINING))
        for service in reversed(list(self._children)):
            await self._stop_one(service)

    def _on_reload(self) -> None:
        self._tasks.spawn(self._reload(), name="reload")

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
            await self._follow(before)

    async def _follow(self, before: Plan) -> None:
        for service in reversed(before.services):
            if service not in self._plan.services:
                await self._stop_one(service)
                self._states.pop(service)
        for service in self._plan.services:
            if service in before.services and not changed(service, before.config, self._plan.config):
                continue
            _log.info("service %s follows the new configuration", service)
            await self._stop_one(service)
            await self._try_launch(service)
            self._keepers[service] = self._tasks.spawn(self._keep(service), name=f"keep {service}")


def _write_pid(path: Path) -> Callable[[], None]:
    """Write our process id to ``path``; the function returned removes the file."""
    try:
        path.write_text(f"{os.getpid()}\n")
        path.chmod(0o644)
    except OSError as error:
        raise ProctorError(f"pid_file {path}: {error.strerror}") from None
    return lambda: path.unlink(missing_ok=True)
