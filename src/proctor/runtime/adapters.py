# SPDX-License-Identifier: Apache-2.0
"""Adapters from the interface of a service to what ``runtime.service`` expects."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from proctor.config.boot import ServiceBoot
from proctor.core.errors import Unavailable
from proctor.core.net import reachable_host
from proctor.rpc import tls
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import IdentityFiles

if TYPE_CHECKING:
    from proctor.auth.service import AuthServer
    from proctor.node.service import NodeServer

_log = logging.getLogger(__name__)


class AuthAdapter:
    """Reports where auth listens and by which pins it is known."""

    def __init__(self, boot: ServiceBoot, server: AuthServer) -> None:
        self._boot = boot
        self._server = server

    async def start(self) -> dict[str, Any]:
        """See ``build.Service``."""
        port = await self._server.start()
        listen = self._boot.config.auth_service.listen_addr
        host = reachable_host(listen.host)
        authorities = IdentityFiles.load(self._boot.proc_dir()).authorities
        pins = tls.ca_pins(authorities.host_tls_ca)
        return {"address": str(replace(listen, host=host, port=port)), "ca_pins": pins}

    async def probe(self) -> Mapping[str, str]:
        """See ``build.Service``."""
        boot = self._boot
        return await self._server.probe(
            boot.config.auth_service.listen_addr.host, boot.log_dir / boot.host_uuid
        )

    def status(self) -> Mapping[str, Any]:
        """See ``build.Service``."""
        return self._server.status()

    def adopt(self, handover: Mapping[str, Any]) -> None:
        """See ``build.Service``."""

    async def retire(self) -> Mapping[str, Any]:
        """See ``build.Service``."""
        await self._server.retire()
        return {}

    async def finished(self) -> None:
        """See ``build.Service``."""
        await self._server.finished()

    async def drain(self, seconds: float) -> None:
        """Calls under way get their time in ``stop``."""

    async def stop(self) -> None:
        """See ``build.Service``."""
        await self._server.stop()


class NodeService:
    """Starts while auth is away, though not with an auth service that is too old; owns the client."""

    def __init__(self, server: NodeServer, client: Client) -> None:
        self._server = server
        self._client = client

    async def start(self) -> dict[str, Any]:
        """See ``build.Service``. Raises IncompatibleVersion."""
        try:
            await self._client.ping()
        except Unavailable as error:
            _log.warning("%s; the node starts all the same", error.message)
        return await self._server.start()

    async def probe(self) -> Mapping[str, str]:
        """See ``build.Service``."""
        return await self._server.probe()

    def status(self) -> Mapping[str, Any]:
        """See ``build.Service``."""
        return {}

    def adopt(self, handover: Mapping[str, Any]) -> None:
        """See ``build.Service``."""

    async def retire(self) -> Mapping[str, Any]:
        """See ``build.Service``."""
        return await self._server.retire()

    async def finished(self) -> None:
        """See ``build.Service``."""
        await self._server.finished()

    async def drain(self, seconds: float) -> None:
        """See ``build.Service``."""
        await self._server.drain(seconds)

    async def stop(self) -> None:
        """See ``build.Service``."""
        await self._server.stop()
        await self._client.close()
