# SPDX-License-Identifier: Apache-2.0
"""A node server in a process of its own, to be killed: ``python -m testing.nodeprocess``."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from proctor.config.boot import ServiceBoot
from proctor.node.service import NodeServer
from proctor.rpc.auth_client import Client


class NodeProcess:
    """Starts it and waits until it serves on ``port``."""

    def __init__(self, boot: ServiceBoot) -> None:
        argv = [sys.executable, "-m", "testing.nodeprocess"]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(boot.encode())
        self._process.stdin.close()
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


async def _main(boot: ServiceBoot) -> None:
    client = Client(boot.auth_address, None, authorities=b"")
    server = NodeServer(boot, lambda: client)
    await server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(_main(ServiceBoot.decode(sys.stdin.buffer.read())))
