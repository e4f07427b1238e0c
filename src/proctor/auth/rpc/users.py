# SPDX-License-Identifier: Apache-2.0
"""RPC: administration of people."""

from __future__ import annotations

import msgspec

from proctor.auth.cluster import Cluster
from proctor.auth.credentials import link_lifetime
from proctor.auth.rpc.login import Logins, Wanted
from proctor.auth.validation import check_user
from proctor.core.clock import format_time
from proctor.core.errors import AccessDenied, AlreadyExists
from proctor.model import serde
from proctor.model.events import ResetPasswordTokenCreate, UserCreate, UserDelete, UserUpdate
from proctor.model.identity import HostIdentity
from proctor.model.resources import Metadata, User, UserSpec, format_duration
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.grpc_server import Caller


class Users:
    """The methods of AuthService about users."""

    def __init__(self, cluster: Cluster, logins: Logins) -> None:
        self._cluster = cluster
        self._logins = logins

    async def create(self, request: pb.CreateUserRequest) -> pb.InviteLink:
        """A new user and the link by which they set their secrets."""
        caller = await self._cluster.authorise("user", "create")
        traits = {"logins": list(request.logins)} if request.logins else {}
        spec = UserSpec(roles=list(request.roles), traits=traits, created_by={"user": caller.identity.name})
        user = User(metadata=Metadata(name=request.name), spec=spec)
        await self.check(user)
        link_lifetime(request.ttl_seconds, reset=False)  # before the user exists
        await self._cluster.documents.users.create(user)
        await self._emit_change(UserCreate, user, caller)
        return await self._link(request.name, request.ttl_seconds, caller, reset=False)

    async def check(self, user: User) -> None:
        """Raises BadRequest unless the name is usable and the roles exist."""
        roles = await self._cluster.documents.roles.list()
        check_user(user, {role.metadata.name for role in roles})

    async def update(self, request: pb.UpdateUserRequest) -> pb.Document:
        """Change roles or logins."""
        caller = await self._cluster.authorise("user", "update")
        user = await self._cluster.documents.users.get(request.name)
        roles = list(request.set_roles) if request.change_roles else user.spec.roles
        traits = dict(user.spec.traits)
        if request.change_logins:
            traits["logins"] = list(request.set_logins)
        changed = msgspec.structs.replace(
            user, spec=msgspec.structs.replace(user.spec, roles=roles, traits=traits)
        )
        await self.check(changed)
        await self._cluster.documents.users.put(changed)
        await self._emit_change(UserUpdate, changed, caller)
        return pb.Document(json=serde.to_json(changed))

    async def put(self, user: User, *, overwrite: bool) -> None:
        """Create or replace a user document; no link is made."""
        existing = await self._cluster.documents.users.find(user.metadata.name)
        caller = await self._cluster.authorise("user", "update" if existing else "create")
        await self.check(user)
        if existing and not overwrite:
            raise AlreadyExists(
                f"user {user.metadata.name} exists already", hint="Replace it with: create -f"
            )
        if existing:
            await self._cluster.documents.users.put(user)
        else:
            await self._cluster.accounts.forget(user.metadata.name)
            await self._cluster.documents.users.create(user)
        await self._emit_change(UserUpdate if existing else UserCreate, user, caller)

    async def reset(self, request: pb.ResetUserRequest) -> pb.InviteLink:
        """Take a user's secrets and certificates away and make a link to set new ones."""
        caller = await self._cluster.authorise("user", "update")
        await self._cluster.documents.users.get(request.name)
        link_lifetime(request.ttl_seconds, reset=True)  # before anything is taken away
        await self._cluster.accounts.forget(request.name)
        await self._cluster.restrictions.revoke_user(request.name)
        return await self._link(request.name, request.ttl_seconds, caller, reset=True)

    async def delete(self, name: str) -> None:
        """Remove a user with their secrets, and revoke their certificates."""
        caller = await self._cluster.authorise("user", "delete")
        if name == caller.identity.name and not isinstance(caller.identity, HostIdentity):
            raise AccessDenied("users cannot remove themselves")
        await self._cluster.documents.users.delete(name)
        await self._cluster.accounts.forget(name)
        await self._cluster.restrictions.revoke_user(name)
        await self._cluster.emit(UserDelete(user=caller.identity.name, name=name, addr_remote=caller.address))

    async def sign(self, request: pb.SignIdentityRequest) -> pb.UserCertificates:
        """Certificates for a user without their password; the audit log names who asked."""
        caller = await self._cluster.authorise("user", "create")
        version = self._cluster.restrictions.version
        user = await self._cluster.documents.users.get(request.username)
        wanted = Wanted(request.ttl_seconds, request.tls_public_key, request.ssh_public_key)
        return await self._logins.certify(user, wanted, version, impersonator=caller.identity.name)

    async def _link(self, name: str, ttl: int, caller: Caller, *, reset: bool) -> pb.InviteLink:
        token, expires = await self._cluster.accounts.invite(name, ttl, reset=reset)
        remaining = int((expires - self._cluster.clock.now()).total_seconds())
        await self._cluster.emit(
            ResetPasswordTokenCreate(
                user=caller.identity.name,
                name=name,
                ttl=format_duration(remaining),
                expires=format_time(expires),
                addr_remote=caller.address,
            )
        )
        path = "reset" if reset else "invite"
        url = f"https://{await self._cluster.proxy_address()}/web/{path}/{token}"
        return pb.InviteLink(token=token, url=url, expires=format_time(expires))

    async def _emit_change(self, kind: type[UserCreate | UserUpdate], user: User, caller: Caller) -> None:
        await self._cluster.emit(
            kind(
                user=caller.identity.name,
                name=user.metadata.name,
                roles=user.spec.roles,
                addr_remote=caller.address,
            )
        )
