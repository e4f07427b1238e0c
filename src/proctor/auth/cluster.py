# SPDX-License-Identifier: Apache-2.0
"""Everything the RPCs of one auth service share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proctor.audit.search.pool import Searches
from proctor.auth.ca import CertificateAuthorities
from proctor.auth.credentials import CredentialStore
from proctor.auth.document_store import Documents
from proctor.auth.hosts.policy import HostNamePolicy
from proctor.auth.housekeeping.retention import Retention
from proctor.auth.housekeeping.rounds import Housekeeping
from proctor.auth.ingest.attestations import Trusted
from proctor.auth.ingest.batch import Emitter
from proctor.auth.ingest.recordings import RecordingIndexer, SearchableLog
from proctor.auth.ingest.sessions import SessionRegistry
from proctor.auth.revocation.restrictions import Restrictions
from proctor.auth.settings import AuthSettings
from proctor.auth.tokens import Tokens
from proctor.core.clock import Clock, parse_time
from proctor.core.errors import AccessDenied
from proctor.core.limits.attempts import AttemptLog
from proctor.core.tasks import Threads
from proctor.model.access import Decision, check_resource
from proctor.model.event import Event
from proctor.model.events import InstanceJoin, UserLogin
from proctor.model.identity import HostIdentity, Identity, SystemRole, UserIdentity
from proctor.model.resources import Role
from proctor.rpc.grpc_server import Caller, caller

_own_events = Threads("audit-own", 1)
"""Not those of the hosts' batches, and nothing that reads: logins wait until their events are stored."""


@dataclass(frozen=True)
class Permissions:
    """Permissions of one caller by their present roles; the auth host's administrator has all."""

    identity: Identity
    roles: list[Role]

    def check(self, resource: str, verb: str, *, participants: Sequence[str] = ()) -> Decision:
        """May they do this? ``participants`` as in ``model.access.check_resource``."""
        if isinstance(self.identity, UserIdentity):
            return check_resource(self.identity, self.roles, resource, verb, participants=participants)
        if isinstance(self.identity, HostIdentity) and self.identity.role is SystemRole.ADMIN:
            return Decision(True, "administrator of the auth host")
        return Decision(False, f"hosts may not {verb} {resource}")


@dataclass(frozen=True)
class Cluster:
    """State and collaborators."""

    settings: AuthSettings
    documents: Documents
    authorities: CertificateAuthorities
    restrictions: Restrictions
    accounts: CredentialStore
    tokens: Tokens
    log: SearchableLog
    searches: Searches
    hosts: HostNamePolicy
    sessions: SessionRegistry
    recordings: RecordingIndexer
    retention: Retention
    housekeeping: Housekeeping
    attempts: AttemptLog
    clock: Clock

    async def emit(self, event: Event) -> None:
        """Store an event of the auth service itself; when this returns it is in the log."""
        await _own_events.run(self.log.append_own, event)

    async def emit_failure(self, event: InstanceJoin | UserLogin, address: str) -> None:
        """The same for a failed attempt of somebody unauthenticated: of a flood only the number is stored."""
        if self.attempts.admits(event, address):
            await self.emit(event)

    async def emitter(self, identity: HostIdentity, source: str) -> Emitter:
        """Return the known facts about a host that delivers events from the spool ``source``."""
        nodes = self.documents.proxies if identity.role is SystemRole.PROXY else self.documents.nodes
        reported = await nodes.find(identity.host_id)
        record = await self.hosts.registry.find(identity.host_id)
        authorities = self.authorities.public()
        names = {identity.node_name, *([reported.spec.hostname] if reported else ())}
        return Emitter(
            identity=identity,
            source=source,
            hostnames=frozenset(names),
            joined=parse_time(record.joined) if record and record.joined else None,
            trusted=Trusted(authorities.user_ssh_ca, authorities.host_ssh_ca),
            now=self.clock.now(),
        )

    async def permissions(self) -> Permissions:
        """Those of the caller: of a person, the roles in the certificate that they still hold.

        Raises AccessDenied when the person was removed.
        """
        identity = caller().identity
        if not isinstance(identity, UserIdentity):
            return Permissions(identity, [])
        user = await self.documents.users.find(identity.username)
        if user is None:
            raise AccessDenied(f"user {identity.username} does not exist any more")
        held = [role for role in identity.roles if role in user.spec.roles]
        return Permissions(identity, await self.documents.roles_named(held))

    async def authorise(self, resource: str, verb: str) -> Caller:
        """The caller, when they may do this; raises AccessDenied with the reason."""
        decision = (await self.permissions()).check(resource, verb)
        if not decision:
            raise AccessDenied(decision.reason)
        return caller()

    async def proxy_addresses(self) -> list[str]:
        """Return the addresses of web pages that living proxies report."""
        return list(dict.fromkeys(proxy.spec.addr for proxy in await self.documents.proxies.list()))

    async def proxy_address(self) -> str:
        """The web page to put into links: as configured here, else as a proxy says."""
        known = [*self.settings.proxy_public_addresses, *await self.proxy_addresses()]
        return next(iter(known), "<proxyhost>:3080")
