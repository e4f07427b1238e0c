# SPDX-License-Identifier: Apache-2.0
"""RPC: the Auth service, each method handed to the part that knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec

from proctor.auth.cluster import Cluster
from proctor.auth.document_store import parse
from proctor.auth.rpc.lock_methods import Locks
from proctor.auth.rpc.login import Logins
from proctor.auth.rpc.resource_service import DocumentMethods, documents
from proctor.auth.rpc.users import Users
from proctor.auth.validation import check_reported
from proctor.core.clock import format_time
from proctor.core.errors import AccessDenied, BadRequest
from proctor.core.version import VERSION
from proctor.model import serde
from proctor.model.identity import HostIdentity, SystemRole
from proctor.model.resources import Node
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc._pb import auth_pb2_grpc
from proctor.rpc.grpc_server import caller

NODE_TTL = timedelta(seconds=60)


class AuthServicer(auth_pb2_grpc.AuthServicer):
    """Names of methods are those of ``proto/proctor/v1/auth.proto``."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._logins = Logins(cluster)
        self._users = Users(cluster, self._logins)
        self._locks = Locks(cluster)
        self._documents = DocumentMethods(cluster, self._users, self._locks)

    async def Ping(self, _request: pb.PingRequest, _context: Any) -> pb.PingResponse:  # noqa: N802, D102
        authorities = self._cluster.authorities
        return pb.PingResponse(
            cluster_name=authorities.cluster_name,
            server_version=VERSION,
            host_id=self._cluster.settings.host_uuid,
            ca_pins=tls.ca_pins(authorities.host_tls_ca),
            proxy_addresses=await self._cluster.proxy_addresses(),
        )

    async def GetAuthorities(self, _request: pb.GetAuthoritiesRequest, _context: Any) -> pb.Authorities:  # noqa: N802, D102
        return self._cluster.authorities.public().to_message()

    async def Login(self, request: pb.LoginRequest, _context: Any) -> pb.UserCertificates:  # noqa: N802, D102
        return await self._logins.login(request)

    async def GetInvite(self, request: pb.GetInviteRequest, _context: Any) -> pb.Invite:  # noqa: N802, D102
        return await self._logins.invite(request)

    async def AcceptInvite(self, request: pb.AcceptInviteRequest, _context: Any) -> pb.AcceptInviteResponse:  # noqa: N802, D102
        return await self._logins.accept(request)

    async def CreateUser(self, request: pb.CreateUserRequest, _context: Any) -> pb.InviteLink:  # noqa: N802, D102
        return await self._users.create(request)

    async def UpdateUser(self, request: pb.UpdateUserRequest, _context: Any) -> pb.Document:  # noqa: N802, D102
        return await self._users.update(request)

    async def ResetUser(self, request: pb.ResetUserRequest, _context: Any) -> pb.InviteLink:  # noqa: N802, D102
        return await self._users.reset(request)

    async def CreateToken(self, request: pb.CreateTokenRequest, _context: Any) -> pb.Document:  # noqa: N802, D102
        return pb.Document(json=serde.to_json(await self._documents.create_token(request)))

    async def SignIdentity(self, request: pb.SignIdentityRequest, _context: Any) -> pb.UserCertificates:  # noqa: N802, D102
        return await self._users.sign(request)

    async def GetDocument(self, request: pb.DocumentRequest, _context: Any) -> pb.Document:  # noqa: N802, D102
        return pb.Document(json=serde.to_json(await self._documents.get(request.kind, request.name)))

    async def ListDocuments(self, request: pb.ListDocumentsRequest, _context: Any) -> pb.Documents:  # noqa: N802, D102
        return documents(await self._documents.list(request.kind))

    async def PutDocument(self, request: pb.PutDocumentRequest, _context: Any) -> pb.Document:  # noqa: N802, D102
        document = await self._documents.put(request.json, overwrite=request.overwrite)
        return pb.Document(json=serde.to_json(document))

    async def DeleteDocument(self, request: pb.DocumentRequest, _context: Any) -> pb.DeleteDocumentResponse:  # noqa: N802, D102
        await self._documents.delete(request.kind, request.name)
        return pb.DeleteDocumentResponse()

    async def GetRoles(self, request: pb.GetRolesRequest, _context: Any) -> pb.Documents:  # noqa: N802, D102
        return documents(await self._documents.roles(request.names))

    async def GetAccessBundle(self, _request: pb.GetAccessBundleRequest, _context: Any) -> pb.AccessBundle:  # noqa: N802, D102
        return await self._locks.bundle()

    async def WatchAccessBundle(  # noqa: N802, D102
        self, requests: AsyncIterator[pb.WatchAccessBundleRequest], _context: Any
    ) -> AsyncIterator[pb.AccessBundle]:
        async for bundle in self._locks.watch(requests):
            yield bundle

    async def GetRevocationList(  # noqa: N802, D102
        self, _request: pb.GetRevocationListRequest, _context: Any
    ) -> pb.RevocationList:
        return await self._locks.revocations()

    async def Heartbeat(self, request: pb.HeartbeatRequest, _context: Any) -> pb.HeartbeatResponse:  # noqa: N802
        """The document of a node or proxy about itself, kept until it stops beating."""
        node = parse(request.node)
        identity = caller().identity
        if not isinstance(node, Node) or not isinstance(identity, HostIdentity):
            raise BadRequest("a heartbeat carries a node document")
        if node.metadata.name != identity.host_id:
            raise AccessDenied("a host may report only about itself")
        check_reported(node)
        await self._cluster.hosts.check_report(node, identity.role, identity.node_name, caller().host)
        now = self._cluster.clock.now()
        fresh = msgspec.structs.replace(
            node,
            metadata=msgspec.structs.replace(node.metadata, expires=format_time(now + NODE_TTL)),
            spec=msgspec.structs.replace(node.spec, last_seen=format_time(now)),
        )
        documents = self._cluster.documents
        await (documents.proxies if identity.role is SystemRole.PROXY else documents.nodes).put(fresh)
        return pb.HeartbeatResponse()
