"""Nodes and roles of the cluster as the proxy knows them, a few seconds old at most."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import NotFound
from proctor.model import serde
from proctor.model.access import Decision, check_node
from proctor.model.identity import UserIdentity
from proctor.model.resources import Node, Role
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.client import Client, split_address

FRESH_SECONDS = 3.0
NODE_PORT = 3022


@dataclass(frozen=True)
class _Snapshot:
    nodes: Sequence[Node]
    roles: dict[str, Role]
    taken: float


class Directory:
    """Resolves what people dial to a node that they may enter."""

    def __init__(self, client: Client, clock: Clock = SYSTEM) -> None:
        self._client = client
        self._clock = clock
        self._snapshot: _Snapshot | None = None
        self._lock = asyncio.Lock()

    async def resolve(self, user: UserIdentity, host: str, port: int) -> Node:
        """The node called ``host`` (name, ``name.cluster``, UUID or address), as ``user`` may see it.

        Raises NotFound, with one wording for nodes that do not exist and those that are forbidden, or
        naming the candidates when several fit; Unavailable when auth cannot be reached.
        """
        snapshot = await self._current()
        roles = [snapshot.roles[name] for name in user.roles if name in snapshot.roles]
        fitting = [node for node in snapshot.nodes if _answers(node, host, port, user.cluster)]
        visible = [node for node in fitting if _allowed(user, roles, node)]
        if not visible:
            raise NotFound(f"node {host} not found, or access to it denied", hint="List nodes with: tsh ls")
        if len(visible) > 1:
            names = ", ".join(f"{node.metadata.name} ({node.spec.addr})" for node in visible)
            raise NotFound(f"{host} is ambiguous: {names}", hint="Name the node by its UUID.")
        return visible[0]

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
    name = host.removesuffix(f".{cluster}") if cluster else host
    if name.lower() in {node.metadata.name, node.spec.hostname.lower()}:
        return True
    return split_address(node.spec.addr, NODE_PORT) == (host, port)


def _allowed(user: UserIdentity, roles: Sequence[Role], node: Node) -> Decision:
    return check_node(user, roles, node.spec.labels)
