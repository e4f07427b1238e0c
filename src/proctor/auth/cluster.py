"""Everything the RPCs of one auth service share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from proctor.audit.log import AuditLog
from proctor.auth.accounts import Accounts
from proctor.auth.ca import CertificateAuthorities
from proctor.auth.documents import Documents
from proctor.auth.settings import AuthSettings
from proctor.auth.tokens import Tokens
from proctor.core.clock import Clock
from proctor.core.errors import AccessDenied
from proctor.model.access import Decision, check_resource
from proctor.model.events import Event
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.model.resources import Role
from proctor.recording.archive import Archive
from proctor.rpc.server import Caller, caller


@dataclass(frozen=True)
class Cluster:
    """State and collaborators; ``proxies`` maps the host id of each live proxy to its public address."""

    settings: AuthSettings
    documents: Documents
    authorities: CertificateAuthorities
    accounts: Accounts
    tokens: Tokens
    log: AuditLog
    archive: Archive
    clock: Clock
    proxies: dict[str, str] = field(default_factory=dict)

    async def emit(self, event: Event) -> None:
        """Store an event of the auth service itself; when this returns it is in the log."""
        await asyncio.to_thread(self.log.append_own, event)

    async def roles_of(self, identity: UserIdentity) -> list[Role]:
        """The role documents of a person."""
        return await self.documents.roles_named(identity.roles)

    async def decide(self, resource: str, verb: str, *, participants: Sequence[str] = ()) -> Decision:
        """May the caller do this? The auth host's administrator may do everything."""
        identity = caller().identity
        if isinstance(identity, HostIdentity) and identity.role is SystemRole.ADMIN:
            return Decision(True, "administrator of the auth host")
        if isinstance(identity, UserIdentity):
            roles = await self.roles_of(identity)
            return check_resource(identity, roles, resource, verb, participants=participants)
        return Decision(False, f"hosts may not {verb} {resource}")

    async def authorise(self, resource: str, verb: str) -> Caller:
        """The caller, when they may do this; raises AccessDenied with the reason."""
        decision = await self.decide(resource, verb)
        if not decision:
            raise AccessDenied(decision.reason)
        return caller()

    def proxy_address(self) -> str:
        """Where people reach the web page, for links."""
        for address in (*self.settings.proxy_public_addresses, *self.proxies.values()):
            return address
        return "<proxyhost>:3080"
