# SPDX-License-Identifier: Apache-2.0
"""Nodes and roles of the cluster as the proxy knows them, a few seconds old at most."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import AccessDenied, BadRequest
from proctor.core.net import split_address
from proctor.model import serde
from proctor.model.access import check_node
from proctor.model.identity import UserIdentity
from proctor.model.resources import Node, Role
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client

FRESH_SECONDS = 3.0
NODE_PORT = 3022


class NodeNotAccessible(AccessDenied):
    """A node that a person may not dial, or that does not exist: the message does not tell which.

    ``reason`` does, for the audit log.
    """

    def __init__(self, message: str, reason: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True)
class NodeTarget:
    """A node by id and name, and where it is dialled."""

    host_id: str
    name: str
    host: str
    port: int


@dataclass(frozen=True)
class _Snapshot:
    nodes: Sequence[Node]
    roles: dict[str, Role]
    taken: float


class NodeDirectory:
    """Resolves what people dial to a node that they may enter."""

    def __init__(self, client: Client, clock: Clock = SYSTEM) -> None:
        self._client = client
        self._clock = clock
        self._snapshot: _Snapshot | None = None
        self._lock = asyncio.Lock()

    async def resolve(self, user: UserIdentity, host: str, port: int) -> NodeTarget:
        """The node called ``host`` (name, ``name.cluster``, UUID, or its address with ``port``).

        Raises NoWay when there is no such node that ``user`` may enter, or more than one; Unavailable
        when the auth service cannot be asked.
        """
        snapshot = await self._current()
        roles = [snapshot.roles[name] for name in user.roles if name in snapshot.roles]
        fitting = [node for node in snapshot.nodes if _answers(node, host, port, user.cluster)]
        decisions = [check_node(user, roles, node.spec.labels) for node in fitting]
        allowed = [node for node, decision in zip(fitting, decisions, strict=True) if decision]
        if len(allowed) > 1 and port != NODE_PORT:  # clients send the default when no port was chosen
            allowed = [node for node in allowed if _address(node)[1] == port] or allowed
        if len(allowed) > 1:
            names = ", ".join(f"{node.metadata.name} ({node.spec.addr})" for node in allowed)
            message = f"{host} is ambiguous: {names}"
            hint = f"Name the node by its UUID, or give its port when that is not {NODE_PORT}."
            raise NodeNotAccessible(message, message, hint=hint)
        if not allowed:
            reason = decisions[0].reason if decisions else "there is no such node"
            raise NodeNotAccessible(
                f"node {host} not found, or access to it denied",
                f"{host}:{port}: {reason}",
                hint="List nodes with: tsh ls",
            )
        return NodeTarget(allowed[0].metadata.name, allowed[0].spec.hostname, *_address(allowed[0]))

    def forget(self) -> None:
        """Something has changed: ask the auth service at the next time."""
        self._snapshot = None

    async def _current(self) -> _Snapshot:
        async with self._lock:
            snapshot = self._snapshot
            if snapshot is None or self._clock.monotonic() - snapshot.taken > FRESH_SECONDS:
                snapshot = self._snapshot = await self._fetch()
            return snapshot

    async def _fetch(self) -> _Snapshot:
        auth = self._client.auth
        nodes, roles = await asyncio.gather(
            self._client.call(auth.ListDocuments, pb.ListDocumentsRequest(kind="node")),
            self._client.call(auth.GetRoles, pb.GetRolesRequest()),
        )
        named = [serde.from_json(raw, Role) for raw in roles.json]
        return _Snapshot(
            [serde.from_json(raw, Node) for raw in nodes.json],
            {role.metadata.name: role for role in named},
            self._clock.monotonic(),
        )


def _answers(node: Node, host: str, port: int, cluster: str) -> bool:
    wanted = host.lower().rstrip(".")
    name = wanted.removesuffix(f".{cluster.lower()}") if cluster else wanted
    return name in {node.metadata.name, node.spec.hostname.lower()} or _address(node) == (wanted, port)


def _address(node: Node) -> tuple[str, int]:
    """Return the address of a node; none when its report is not an address."""
    try:
        return split_address(node.spec.addr, NODE_PORT)
    except BadRequest:
        return "", 0
