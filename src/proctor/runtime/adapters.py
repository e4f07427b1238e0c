"""Services as the supervisor sees them, where a room's own interface is another."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from proctor.auth.service import AuthServer
from proctor.config.boot import ServiceBoot
from proctor.rpc import tls
from proctor.rpc.identity import IdentityFiles


class AuthService:
    """Reports where auth listens and by which pins it is known."""

    def __init__(self, boot: ServiceBoot, server: AuthServer) -> None:
        self._boot = boot
        self._server = server

    async def start(self) -> dict[str, Any]:
        """See ``build.Service``."""
        port = await self._server.start()
        listen = self._boot.config.auth_service.listen_addr
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - recognised
        authorities = IdentityFiles.load(self._boot.proc_dir()).authorities
        pins = tls.ca_pins(authorities.host_tls_ca)
        return {"address": str(replace(listen, host=host, port=port)), "ca_pins": pins}

    async def drain(self, seconds: float) -> None:
        """Calls under way get their time in ``stop``."""

    async def stop(self) -> None:
        """See ``build.Service``."""
        await self._server.stop()
