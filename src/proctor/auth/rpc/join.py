"""RPC: a host becomes a member of the cluster."""

from __future__ import annotations

import re
from typing import Any

from proctor.auth import secrets
from proctor.auth.cluster import Cluster
from proctor.auth.documents import MAX_NAME
from proctor.core.errors import AccessDenied, BadRequest, ProctorError
from proctor.model.events import InstanceJoin
from proctor.model.identity import HostIdentity, SystemRole
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc._pb import auth_pb2_grpc
from proctor.rpc.server import caller
from proctor.sshkit import keys

MAX_PRINCIPALS = 64
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class JoinService(auth_pb2_grpc.JoinServicer):
    """Callers are anonymous: the token alone decides."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def RegisterHost(self, request: pb.RegisterHostRequest, _context: Any) -> pb.HostCredentials:  # noqa: N802
        """Check the token and issue a host's certificates; each attempt is audited."""
        event = InstanceJoin(
            host_id=request.host_id[:MAX_NAME],
            node_name=request.node_name[:MAX_NAME],
            role=request.role[:MAX_NAME],
            token_name=secrets.masked(request.token),
            addr_remote=caller().address,
        )
        try:
            await self._cluster.tokens.check(request.token, request.role)
            credentials = self._issue(request)
        except ProctorError as error:
            event.success, event.error = False, error.message
            await self._cluster.emit(event)
            raise
        await self._cluster.emit(event)
        return credentials

    def _issue(self, request: pb.RegisterHostRequest) -> pb.HostCredentials:
        if len(request.principals) > MAX_PRINCIPALS:
            raise BadRequest(f"a host has at most {MAX_PRINCIPALS} names")
        authorities = self._cluster.authorities
        host_id = _uuid(request.host_id)
        identity = HostIdentity(
            host_id=host_id,
            role=SystemRole(request.role),
            node_name=_name(request.node_name, host_id),
            cluster=authorities.cluster_name,
        )
        names = [_name(principal, host_id) for principal in request.principals]
        ssh_key = keys.normalize(request.ssh_public_key.decode(errors="replace"))
        return pb.HostCredentials(
            tls_certificate=authorities.issue_host_tls(request.tls_public_key, identity, ()),
            ssh_certificate=authorities.issue_host_ssh(ssh_key, identity, names).encode(),
            authorities=authorities.public().to_message(),
        )


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise BadRequest(f"the host id {text[:MAX_NAME]!r} is not a UUID")
    return text


def _name(text: str, host_id: str) -> str:
    """A name to put into a host's certificate: not one by which another host is known to the cluster."""
    if not text or len(text) > MAX_NAME or not text.isprintable() or any(c in text for c in " ,/\\*?"):
        raise BadRequest(f"{text[:MAX_NAME]!r} is not a name for a host")
    first = text.lower().partition(".")[0]
    if _UUID.fullmatch(first) and first != host_id:
        raise AccessDenied(f"the name {text} belongs to another host")
    return text
