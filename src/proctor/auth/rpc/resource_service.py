# SPDX-License-Identifier: Apache-2.0
"""RPC: reading and writing documents, whatever their kind."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from proctor.auth import hashing
from proctor.auth.cluster import Cluster
from proctor.auth.document_store import MAX_NAME, parse
from proctor.auth.presets import PRESETS
from proctor.auth.rpc.lock_methods import Locks
from proctor.auth.rpc.users import Users
from proctor.auth.validation import check_role
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, NotFound
from proctor.model import serde
from proctor.model.access import check_node
from proctor.model.events import (
    JoinTokenCreate,
    JoinTokenDelete,
    RoleCreated,
    RoleDeleted,
    RoleUpdated,
)
from proctor.model.identity import HostIdentity, UserIdentity
from proctor.model.resources import KINDS, Lock, Node, Resource, Role, Token, User
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.grpc_server import caller


class DocumentMethods:
    """The methods of AuthService about documents; users are handed to Users, locks to Locks."""

    def __init__(self, cluster: Cluster, users: Users, locks: Locks) -> None:
        self._cluster = cluster
        self._users = users
        self._locks = locks

    async def get(self, kind: str, name: str) -> Resource:
        """One document."""
        _check_kind(kind)
        if kind == "node":
            return next(iter(await self._visible_nodes(name)), None) or await self._node(name)
        await self._cluster.authorise(kind, "read")
        if kind == "token":
            return await self._cluster.tokens.describe(name)
        documents = self._cluster.documents
        match kind:
            case "role":
                return await documents.roles.get(name)
            case "lock":
                return await documents.locks.get(name)
        return await documents.users.get(name)

    async def _node(self, name: str) -> Resource:
        await self._cluster.authorise("node", "read")
        return await self._cluster.documents.nodes.get(name)

    async def list(self, kind: str) -> Sequence[Resource]:
        """All documents of a kind that the caller may see: people see the nodes that they may enter."""
        _check_kind(kind)
        if kind == "node":
            return await self._visible_nodes()
        await self._cluster.authorise(kind, "list")
        if kind == "token":
            return await self._cluster.tokens.list()
        documents = self._cluster.documents
        match kind:
            case "role":
                return await documents.roles.list()
            case "lock":
                return await documents.locks.list()
        return await documents.users.list()

    async def _visible_nodes(self, name: str = "") -> Sequence[Node]:
        nodes = [
            node for node in await self._cluster.documents.nodes.list() if name in {"", node.metadata.name}
        ]
        identity = caller().identity
        if isinstance(identity, HostIdentity):
            return nodes
        if not isinstance(identity, UserIdentity):
            raise AccessDenied("only members of the cluster see its nodes")
        permissions = await self._cluster.permissions()
        if permissions.check("node", "list"):
            return nodes
        return [node for node in nodes if check_node(identity, permissions.roles, node.spec.labels)]

    async def put(self, data: bytes, *, overwrite: bool) -> Resource:
        """Create or replace a document given as JSON."""
        document = parse(data)
        match document:
            case User():
                await self._users.put(document, overwrite=overwrite)
            case Role():
                await self._put_role(document, overwrite=overwrite)
            case Token():
                await self._put_token(document)
            case Lock():
                document = await self._locks.put(document, overwrite=overwrite)
            case Node():
                raise BadRequest("nodes write their own documents")
        return document

    async def _put_role(self, role: Role, *, overwrite: bool) -> None:
        check_role(role)
        name = role.metadata.name
        existing = await self._cluster.documents.roles.find(name)
        by = await self._cluster.authorise("role", "update" if existing else "create")
        if existing and not overwrite:
            raise AlreadyExists(f"role {name} exists already", hint="Replace it with: tctl create -f")
        roles = self._cluster.documents.roles
        await (roles.put(role) if existing else roles.create(role))
        self._cluster.restrictions.changed()
        kind = RoleUpdated if existing else RoleCreated
        await self._cluster.emit(kind(user=by.identity.name, name=name, addr_remote=by.address))

    async def _put_token(self, token: Token) -> None:
        await self._cluster.authorise("token", "create")
        await self._cluster.tokens.adopt(token)
        await self._emit_token(token)

    async def create_token(self, request: pb.CreateTokenRequest) -> Token:
        """A new join token."""
        await self._cluster.authorise("token", "create")
        token = await self._cluster.tokens.create(list(request.roles), request.ttl_seconds, request.value)
        await self._emit_token(token)
        return token

    async def _emit_token(self, token: Token) -> None:
        event = JoinTokenCreate(
            user=caller().identity.name,
            name=hashing.masked(token.metadata.name),
            roles=token.spec.roles,
            expires=token.metadata.expires or "0001-01-01T00:00:00Z",
            addr_remote=caller().address,
        )
        await self._cluster.emit(event)

    async def delete(self, kind: str, name: str) -> None:
        """Remove a document."""
        _check_kind(kind)
        if kind == "user":
            return await self._users.delete(name)
        if kind == "lock":
            return await self._locks.delete(name)
        by = await self._cluster.authorise(kind, "delete")
        if kind == "role":
            await self._delete_role(name)
            await self._cluster.emit(RoleDeleted(user=by.identity.name, name=name, addr_remote=by.address))
        elif kind == "token":
            await self._cluster.tokens.revoke(name)
            masked = hashing.masked(name)
            await self._cluster.emit(
                JoinTokenDelete(user=by.identity.name, name=masked, addr_remote=by.address)
            )
        else:
            await self._delete_node(name)
        return None

    async def _delete_node(self, name: str) -> None:
        """Forget a host, free its names and revoke its certificate, also when it is not heard of any more."""
        cluster = self._cluster
        reported = await cluster.documents.nodes.find(name) is not None
        if not reported and await cluster.hosts.registry.find(name) is None:
            raise NotFound(f"node {name} does not exist")
        await cluster.restrictions.revoke_host(name)
        await cluster.hosts.registry.forget(name)
        with suppress(NotFound):
            await cluster.documents.nodes.delete(name)

    async def _delete_role(self, name: str) -> None:
        if name in {role.metadata.name for role in PRESETS}:
            raise BadRequest(f"role {name} is a preset and stays", hint="Change it with: tctl create -f")
        users = await self._cluster.documents.users.list()
        holders = [user.metadata.name for user in users if name in user.spec.roles]
        if holders:
            raise BadRequest(
                f"role {name} is held by {', '.join(holders)}",
                hint="Take it from them first: tctl users update --set-roles=… USER",
            )
        await self._cluster.documents.roles.delete(name)
        self._cluster.restrictions.changed()

    async def roles(self, names: Sequence[str]) -> Sequence[Role]:
        """Roles of these names, or all."""
        if names:
            return await self._cluster.documents.roles_named(tuple(names))
        return await self._cluster.documents.roles.list()


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise BadRequest(f"unknown kind {kind[:MAX_NAME]!r}", hint=f"Known kinds: {', '.join(KINDS)}.")


def documents(resources: Sequence[Resource]) -> pb.Documents:
    """As the RPC message."""
    return pb.Documents(json=[serde.to_json(resource) for resource in resources])
