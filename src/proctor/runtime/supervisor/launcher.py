# SPDX-License-Identifier: Apache-2.0
"""Starts processes of services: the boot that each gets, the identity that it needs before."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from proctor.config import secret_values as secrets_of
from proctor.config.boot import ServiceBoot, ServiceName
from proctor.config.schema import Config, Teleport
from proctor.runtime import join, keypairs, layout
from proctor.runtime.plan import Plan
from proctor.runtime.privileges.service_users import service_user
from proctor.runtime.service_channel import Handler
from proctor.runtime.supervisor.listeners import Listeners
from proctor.runtime.supervisor.process import ServiceFailed, ServiceProcess
from proctor.runtime.supervisor.resume import SavedLauncher, SavedProcess
from proctor.runtime.supervisor.unwatched import CaptureAbsence

JOINING: tuple[ServiceName, ...] = ("node", "proxy")
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
_log = logging.getLogger(__name__)


def pauses() -> Iterator[float]:
    """Seconds to wait before each next attempt: doubling up to a bound."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE)


class Launcher:
    """Knows the plan, where auth is, and the sockets; ``handler`` answers the calls of services."""

    def __init__(self, plan: Plan, handler: Handler) -> None:
        self.plan = plan
        self.host_uuid = ""
        self.log_level = ""
        """Level set by ``teleport debug set-log-level``, in place of the configuration's severity."""
        self.listeners = Listeners()
        self.absence = CaptureAbsence(Path(plan.config.teleport.data_dir) / "run")
        self._handler = handler
        self._run_id = str(uuid.uuid4())
        self._local_token = secrets.token_hex(32)
        self._auth_address = ""
        self._local_pins: list[str] = []
        self._joined = False

    def saved(self) -> SavedLauncher:
        """Return the state that another program needs to continue."""
        return SavedLauncher(
            host_uuid=self.host_uuid,
            run_id=self._run_id,
            local_token=self._local_token,
            auth_address=self._auth_address,
            local_pins=self._local_pins,
            joined=self._joined,
            listeners=self.listeners.saved(),
            log_level=self.log_level,
        )

    def resume(self, saved: SavedLauncher) -> None:
        """Go on where the program before has stopped."""
        self.host_uuid, self._run_id, self._local_token = saved.host_uuid, saved.run_id, saved.local_token
        self._auth_address, self._local_pins = saved.auth_address, saved.local_pins
        self._joined, self.log_level = saved.joined, saved.log_level
        self.listeners.adopt(saved.listeners)

    def adopt(self, service: ServiceName, saved: SavedProcess) -> ServiceProcess:
        """A process of ``service`` that the program before has started."""
        process = ServiceProcess(service, saved.pid, socket.socket(fileno=saved.channel))
        self.attach(process)
        return process

    def attach(self, process: ServiceProcess) -> None:
        """Take calls of a process."""
        process.serve(self._handler)

    async def start(
        self, service: ServiceName, slot: int = 0, *, standby: bool = False, recover: bool = False
    ) -> ServiceProcess:
        """A process of ``service`` that is ready, or waits in ``standby``. Raises ProctorError."""
        await self._prepare(service)
        boot = replace(self._boot(service), slot=slot, standby=standby, recover=recover)
        if slot:
            layout.prepare_slot(boot)
        sockets = {} if recover else self.listeners.of(boot)
        boot = replace(boot, listeners=tuple(sockets))
        descriptors = [listener.fileno() for listener in sockets.values()]
        process = await ServiceProcess.start("proctor.runtime.service", service, boot.encode(), descriptors)
        try:
            details = await process.answer()
            if not standby:
                self.learn(service, details)
        except BaseException:
            await process.stop(1.0)
            raise
        self.attach(process)
        if not standby:
            _log.info("service %s is ready", service, extra={"pid": process.pid})
        return process

    def used_slots(self, service: ServiceName) -> list[int]:
        """Further slots of ``service`` in which a run before has left something to be delivered."""
        if service not in JOINING:
            return []
        return layout.used_slots(Path(self.plan.config.teleport.data_dir), service)

    async def _prepare(self, service: ServiceName) -> None:
        if service in {"auth", "diag"}:
            return
        for joining in JOINING:
            if joining in self.plan.services and (joining == service or not self._joined):
                await self._join(joining)
        self._joined = True

    def learn(self, service: ServiceName, details: Mapping[str, Any]) -> None:
        """Take note of what a process of ``service`` said when it was ready."""
        if service == "auth":
            self._auth_address, self._local_pins = str(details["address"]), list(details["ca_pins"])

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

    def _way(self) -> join.AuthEndpoint:
        """Return the endpoint at which services of this host reach auth."""
        config = self.plan.config
        if "auth" in self.plan.services:
            return join.AuthEndpoint([self._auth_address], self._local_token, self._local_pins)
        return join.AuthEndpoint(
            self.plan.auth_candidates, secrets_of.join_token(config), secrets_of.ca_pins(config)
        )

    def _boot(self, service: ServiceName) -> ServiceBoot:
        account = service_user(service)
        plan = self.plan
        return ServiceBoot(
            service=service,
            config=_config_of(service, _logging(plan.config, self.log_level)),
            host_uuid=self.host_uuid,
            run_id=self._run_id,
            uid=account.uid,
            gid=account.gid,
            node_uid=service_user("node").uid,
            auth_address=self._auth_address,
            node_name=plan.node_name,
            cluster_name=plan.cluster_name,
            local_join_token=self._local_token if service == "auth" else "",
            skip_version_check=plan.flags.skip_version_check,
            debug=plan.flags.debug and not self.log_level,
        )


def _logging(config: Config, level: str) -> Config:
    """``config``, with another severity of the log if ``level`` is not empty."""
    if not level:
        return config
    return replace(
        config, teleport=replace(config.teleport, log=replace(config.teleport.log, severity=level))
    )


def _config_of(service: ServiceName, config: Config) -> Config:
    if service == "diag":  # it serves any client, and must not have the secrets of the others
        own = config.teleport
        return Config(teleport=Teleport(data_dir=own.data_dir, diag_addr=own.diag_addr, log=own.log))
    return keypairs.adopted(config) if service == "proxy" else config
