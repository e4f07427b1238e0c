# SPDX-License-Identifier: Apache-2.0
"""Heartbeat: what the node reports about itself to the auth service every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping, Sequence

from proctor.config.schema import Command
from proctor.core.errors import BadRequest, ProctorError
from proctor.core.net import split_address
from proctor.core.tasks import TaskSet
from proctor.core.version import VERSION
from proctor.model.resources import Metadata, Node, NodeSpec
from proctor.model.serde import to_json
from proctor.node import timeouts
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client

_MAX_VALUE = 256
_log = logging.getLogger(__name__)


class Labels:
    """The node's labels: fixed ones, and those that commands print."""

    def __init__(self, fixed: Mapping[str, str], commands: Sequence[Command]) -> None:
        self._values = dict(fixed) | {command.name: "" for command in commands}
        self._commands = commands

    @property
    def values(self) -> dict[str, str]:
        """All labels as they are now."""
        return dict(self._values)

    @property
    def printed(self) -> dict[str, str]:
        """Those that commands print, as they are now."""
        return {command.name: self._values[command.name] for command in self._commands}

    def start(self, tasks: TaskSet) -> None:
        """Run the commands, each at its pace, until ``tasks`` are closed."""
        for command in self._commands:
            tasks.spawn(self._repeat(command), name=f"label {command.name}", vital=True)

    async def _repeat(self, command: Command) -> None:
        while True:
            self._values[command.name] = await _first_line(command.command)
            await asyncio.sleep(max(1, command.period))


async def _first_line(argv: Sequence[str]) -> str:
    """Return the output of a command, or the reason why it printed nothing of use."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
    except OSError as error:
        return f"error: {error.strerror}"
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeouts.LABEL_COMMAND)
    except TimeoutError:
        return "error: timeout"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return output.decode(errors="replace").strip().split("\n")[0][:_MAX_VALUE]


class Heartbeat:
    """Sends the node's document. ``address`` is where proxies reach it; ``proxies`` hears where they are."""

    def __init__(
        self,
        node: Callable[[], Node],
        connect: Callable[[], Client],
        proxies: Callable[[Sequence[str]], None],
    ) -> None:
        self._node = node
        self._connect = connect
        self._proxies = proxies

    async def run(self) -> None:
        """Beat until cancelled; sooner again after a failure."""
        failing = False
        while True:
            try:
                await self._beat()
                failing = False
            except (ProctorError, OSError) as error:
                if not failing:
                    _log.warning("the Auth Service does not hear of this node: %s", error)
                failing = True
            await asyncio.sleep(timeouts.HEARTBEAT_RETRY if failing else timeouts.HEARTBEAT)

    async def _beat(self) -> None:
        client = self._connect()
        await client.call(client.auth.Heartbeat, pb.HeartbeatRequest(node=to_json(self._node())))
        self._proxies((await client.ping()).proxy_addresses)


def node_document(
    host_uuid: str, hostname: str, address: str, labels: Mapping[str, str], *, enhanced: bool
) -> Node:
    """The document of a node."""
    spec = NodeSpec(
        hostname=hostname,
        addr=address,
        labels=dict(labels),
        server_version=VERSION,
        enhanced_recording=enhanced,
    )
    return Node(metadata=Metadata(name=host_uuid), spec=spec)


def own_address(towards: str) -> str:
    """The address of this host from which ``towards`` (``host:port``) is reached; loopback when unknown."""
    try:
        host, port = split_address(towards, 0)
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except (OSError, IndexError, BadRequest):
        return "127.0.0.1"
