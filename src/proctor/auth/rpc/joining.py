# SPDX-License-Identifier: Apache-2.0
"""RPC: a host becomes a member of the cluster."""

from __future__ import annotations

from typing import Any

from proctor.auth import hashing
from proctor.auth.ca import Issued
from proctor.auth.cluster import Cluster
from proctor.auth.document_store import MAX_NAME
from proctor.auth.hosts.guesses import JoinGuesses
from proctor.auth.hosts.policy import Applicant
from proctor.auth.revocation.issued import IssuedCertificate
from proctor.core.clock import format_time
from proctor.core.errors import BadRequest, ProctorError
from proctor.core.text import escaped, is_uuid
from proctor.model.events import CertCreate, InstanceJoin
from proctor.model.identity import HostIdentity, SystemRole
from proctor.model.rbac.locks import Subject
from proctor.model.resources import TokenSpec
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc._pb import auth_pb2_grpc
from proctor.rpc.grpc_server import caller
from proctor.sshkit import keys

MAX_PRINCIPALS = 64


class JoinService(auth_pb2_grpc.JoinServicer):
    """Callers are anonymous: the token alone decides."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._guesses = JoinGuesses(cluster.clock)

    async def RegisterHost(self, request: pb.RegisterHostRequest, _context: Any) -> pb.HostCredentials:  # noqa: N802
        """Check the token and issue a host's certificates; each attempt is audited."""
        event = InstanceJoin(
            host_id=escaped(request.host_id[:MAX_NAME]),
            node_name=escaped(request.node_name[:MAX_NAME]),
            role=escaped(request.role[:MAX_NAME]),
            token_name=escaped(hashing.masked(request.token)),
            addr_remote=caller().address,
        )
        try:
            self._guesses.count(caller().host, request.token)
            grant = await self._cluster.tokens.check(request.token, request.role)
            credentials = await self._issue(request, grant)
        except ProctorError as error:
            event.success, event.error = False, error.message
            await self._cluster.emit_failure(event, caller().address)
            raise
        self._guesses.forgive(caller().host)
        await self._cluster.emit(event)
        return credentials

    async def _issue(self, request: pb.RegisterHostRequest, grant: TokenSpec) -> pb.HostCredentials:
        if len(request.principals) > MAX_PRINCIPALS:
            raise BadRequest(f"a host has at most {MAX_PRINCIPALS} names")
        authorities = self._cluster.authorities
        host_id = _uuid(request.host_id)
        identity = HostIdentity(
            host_id=host_id,
            role=SystemRole(request.role),
            node_name=request.node_name,
            cluster=authorities.cluster_name,
        )
        applicant = Applicant(
            host_id=host_id,
            role=identity.role,
            node_name=request.node_name,
            principals=request.principals,
            peer=caller().host,
            token=request.token,
            grant=grant,
            secret=request.host_secret,
            local=self._cluster.tokens.is_local(request.token),
        )
        ssh_key = keys.normalize(request.ssh_public_key.decode(errors="replace"))
        self._cluster.restrictions.check_lock(Subject(server_id=host_id, node_name=request.node_name))
        names = await self._cluster.hosts.admit(applicant)
        issued = authorities.issue_host(request.tls_public_key, ssh_key, identity, names)
        await self._keep(issued, identity)
        return pb.HostCredentials(
            tls_certificate=issued.tls_certificate,
            ssh_certificate=issued.ssh_certificate.encode(),
            authorities=authorities.public().to_message(),
        )

    async def _keep(self, issued: Issued, identity: HostIdentity) -> None:
        """Keep the serial number, so that it can be revoked, and let proxies connect to the host."""
        restrictions = self._cluster.restrictions
        await restrictions.issued.add(IssuedCertificate(serial=issued.serial, host=identity), issued.expires)
        await self._cluster.emit(
            CertCreate(
                cert_type="host",
                serial=str(issued.serial),
                identity={
                    "user": identity.name,
                    "expires": format_time(issued.expires),
                    "teleport_cluster": identity.cluster,
                },
            )
        )
        if restrictions.has_revoked_host(identity.host_id):
            restrictions.changed()


def _uuid(text: str) -> str:
    if not is_uuid(text):
        raise BadRequest(f"the host id {text[:MAX_NAME]!r} is not a UUID")
    return text
