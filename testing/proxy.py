# SPDX-License-Identifier: Apache-2.0
"""A real proxy in this process, in front of a real auth service."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from proctor.config.boot import ServiceBoot
from proctor.config.load import parse
from proctor.core.clock import SYSTEM, Clock
from proctor.proxy.service import ProxyServer
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Credentials, IdentityFiles
from testing.auth import RunningAuth

_CONFIG = """\
version: v3
teleport:
  nodename: proxy-1
  data_dir: {data}
proxy_service:
  web_listen_addr: 127.0.0.1:0
  listen_addr: 127.0.0.1:0
{more}
"""


@dataclass
class RunningProxy:
    """A proxy on loopback: ``web`` and ``ssh`` are its addresses, ``credentials`` its own."""

    auth: RunningAuth
    server: ProxyServer
    credentials: Credentials
    data: Path
    web: str
    ssh: str

    @property
    def port(self) -> int:
        """Port of the web page."""
        return int(self.web.rpartition(":")[2])

    @property
    def ssh_port(self) -> int:
        """Port of the SSH proxy."""
        return int(self.ssh.rpartition(":")[2])

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A client that trusts the proxy's own certificate."""
        context = ssl.create_default_context(cafile=str(self.data / "proc/proxy/web.crt"))
        return httpx.AsyncClient(base_url=f"https://{self.web}", verify=context, headers=headers)


@asynccontextmanager
async def running_proxy(
    auth: RunningAuth, data: Path, more: str = "", clock: Clock = SYSTEM
) -> AsyncIterator[RunningProxy]:
    """Join ``auth`` and start; ``more`` is further text of the configuration file."""
    host_uuid, credentials = await auth.join("proxy")
    boot = ServiceBoot(
        service="proxy",
        config=parse(_CONFIG.format(data=data, more=more), "teleport.yaml").config,
        host_uuid=host_uuid,
        run_id=str(uuid4()),
        uid=-1,
        gid=-1,
        node_uid=-1,
        auth_address=auth.address,
        node_name="proxy-1",
    )
    IdentityFiles.save(boot.proc_dir(), credentials)
    server = ProxyServer(boot, lambda: Client(auth.address, credentials), clock)
    addresses = await server.start()
    try:
        yield RunningProxy(auth, server, credentials, data, addresses["address"], addresses["ssh_address"])
    finally:
        await server.stop()
