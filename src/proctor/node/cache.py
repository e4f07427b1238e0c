"""Roles and user CAs as the auth service has them, kept on disk so that the node works without it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from proctor.core.durable import replace_file
from proctor.core.errors import AccessDenied, Corrupted, ProctorError
from proctor.model.resources import Role
from proctor.model.serde import from_json, to_json
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.client import Client

REFRESH_SECONDS = 3.0
CALL_SECONDS = 5.0
_log = logging.getLogger(__name__)


class _Known(msgspec.Struct):
    roles: list[Role] = []
    user_ssh_ca: list[str] = []


class AccessCache:
    """``authorities`` are those of the node's identity; what the auth service says later replaces them."""

    def __init__(self, path: Path, authorities: Sequence[str], connect: Callable[[], Client]) -> None:
        self._path = path
        self._connect = connect
        self._known = self._load() or _Known(user_ssh_ca=list(authorities))
        self.reachable = True
        """The auth service has answered the last time it was asked."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when roles or authorities are others than before."""

    def _load(self) -> _Known | None:
        try:
            known = from_json(self._path.read_bytes(), _Known)
        except FileNotFoundError:
            return None
        except Corrupted as error:
            _log.warning("%s is not used: %s", self._path, error)
            return None
        return known if known.user_ssh_ca else None

    @property
    def user_ssh_ca(self) -> Sequence[str]:
        """Public key lines of the user CAs."""
        return self._known.user_ssh_ca

    async def roles(self, names: Sequence[str]) -> list[Role]:
        """The documents of all ``names``, asking the auth service for those that are new.

        Raises AccessDenied when one is not to be had: without it, what it denies would be allowed.
        """
        if not names:
            raise AccessDenied("the certificate names no roles")
        if self._missing(names):
            await self.refresh()
        known = self.known(names)
        if known is None:
            raise AccessDenied(f"role {self._missing(names)[0]} of the certificate is not known to this node")
        return known

    def known(self, names: Sequence[str]) -> list[Role] | None:
        """The documents of all ``names`` as they are here now; None when one is not."""
        found = {role.metadata.name: role for role in self._known.roles}
        return [found[name] for name in names] if found.keys() >= set(names) else None

    def _missing(self, names: Sequence[str]) -> list[str]:
        return sorted(set(names) - {role.metadata.name for role in self._known.roles})

    async def refresh(self) -> bool:
        """Ask the auth service now; False when it does not answer, and what was known stays."""
        try:
            client = self._connect()
            roles = await client.call(client.auth.GetRoles, pb.GetRolesRequest(), timeout=CALL_SECONDS)
            trust = await client.call(
                client.auth.GetAuthorities, pb.GetAuthoritiesRequest(), timeout=CALL_SECONDS
            )
            self._learn([from_json(text, Role) for text in roles.json], list(trust.user_ssh_ca))
        except (ProctorError, OSError) as error:
            if self.reachable:
                _log.warning("roles and authorities are those of the cache: %s", error)
            self.reachable = False
            return False
        self.reachable = True
        return True

    def _learn(self, roles: list[Role], user_ssh_ca: list[str]) -> None:
        fresh = _Known(roles=roles, user_ssh_ca=user_ssh_ca or self._known.user_ssh_ca)
        if fresh != self._known:
            self._known = fresh
            replace_file(self._path, to_json(fresh))
            self.on_change()

    async def run(self) -> None:
        """Refresh every few seconds until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)
