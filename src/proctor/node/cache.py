"""The access bundle of this node: fetched from the auth service, verified and kept by the spawner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from proctor.core.clock import SYSTEM, parse_time
from proctor.core.errors import AccessDenied, ProctorError
from proctor.core.threads import Threads
from proctor.model.bundle import LIFETIME, AccessBundle
from proctor.model.resources import Role
from proctor.model.serde import from_json
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.spawnerproto.messages import Answer, GetBundle, StoreBundle

REFRESH_SECONDS = 3.0
CALL_SECONDS = 5.0
RENEWED_AFTER = LIFETIME / 24
"""A bundle that says the same is passed on no earlier, so that the spawner need not write all the time."""

Ask = Callable[[GetBundle | StoreBundle], Answer]
_threads = Threads("spawner-bundle", 1)
_log = logging.getLogger(__name__)


class AccessCache:
    """``ask`` blocks for the spawner's answer. ``authorities``: public key lines of the user CAs."""

    def __init__(self, ask: Ask, authorities: Sequence[str], connect: Callable[[], Client]) -> None:
        self._ask = ask
        self._connect = connect
        self._bundle: AccessBundle | None = None
        self._complaint = ""
        self.user_ssh_ca = list(authorities)
        """Public key lines of the user CAs."""
        self.reachable = True
        """The auth service has answered the last time it was asked."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when roles are others than before."""

    async def load(self) -> None:
        """Begin with the bundle that the spawner has kept. Raises ProctorError."""
        content = (await _threads.run(self._ask, GetBundle())).content
        if content:
            self._bundle = from_json(content, AccessBundle)

    async def bundle(self, names: Sequence[str]) -> AccessBundle:
        """The bundle, asking the auth service if one of the roles ``names`` is new. Raises AccessDenied."""
        if self.known(names) is None:
            await self.refresh()
        if self._bundle is None:
            raise AccessDenied("this node has not heard from the auth service yet what roles allow")
        self._bundle.check_current(SYSTEM.now())
        return self._bundle

    def known(self, names: Sequence[str]) -> list[Role] | None:
        """The documents of all ``names`` as they are here now; None when one is not."""
        found = {role.metadata.name: role for role in (self._bundle.roles if self._bundle else ())}
        return [found[name] for name in names] if found.keys() >= set(names) else None

    async def refresh(self) -> bool:
        """Ask the auth service now; False when it does not answer, and what was known stays."""
        try:
            client = self._connect()
            request = pb.GetAccessBundleRequest()
            answer = await client.call(client.auth.GetAccessBundle, request, timeout=CALL_SECONDS)
        except (ProctorError, OSError) as error:
            if self.reachable:
                _log.warning("roles are those that this node has kept: %s", error)
            self.reachable = False
            return False
        self.reachable = True
        try:
            await self._learn(answer.json, answer.signature)
        except (ProctorError, OSError) as error:
            if str(error) != self._complaint:
                _log.error("roles are those that this node has kept: %s", error)
            self._complaint = str(error)
            return False
        self._complaint = ""
        return True

    async def _learn(self, content: bytes, signature: bytes) -> None:
        fresh = from_json(content, AccessBundle)
        if self._bundle is not None and not _worth_storing(fresh, self._bundle):
            return
        await _threads.run(self._ask, StoreBundle(content=content, signature=signature))
        before, self._bundle = self._bundle, fresh
        if before is None or before.roles != fresh.roles:
            self.on_change()

    async def run(self) -> None:
        """Refresh every few seconds until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)


def _worth_storing(fresh: AccessBundle, kept: AccessBundle) -> bool:
    renewed = parse_time(fresh.issued) - parse_time(kept.issued)
    return fresh.roles != kept.roles or fresh.cluster != kept.cluster or renewed >= RENEWED_AFTER
