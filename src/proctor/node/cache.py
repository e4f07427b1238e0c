# SPDX-License-Identifier: Apache-2.0
"""The access bundle of this node: pushed by the auth service, verified and kept by the spawner."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec.structs import replace

from proctor.core.clock import SYSTEM, parse_time
from proctor.core.errors import AccessDenied, ProctorError
from proctor.core.tasks import Threads
from proctor.model.bundle import LIFETIME, AccessBundle
from proctor.model.rbac.locks import OUTDATED, Certificate, Subject
from proctor.model.resources import Role
from proctor.model.serde import from_json
from proctor.node import timeouts
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.watch import BundleWatch
from proctor.spawnerproto.messages import Answer, GetBundle, StoreBundle

RENEWED_AFTER = LIFETIME / 24
"""A bundle that says the same is passed on no earlier, so that the spawner need not write all the time."""

RENEWED_AFTER_WHEN_STRICT = timedelta(minutes=1)
"""The same where the spawner refuses everybody when the locks that it has are out of date."""

Ask = Callable[[GetBundle | StoreBundle], Answer]
_threads = Threads("spawner-bundle", 1)
_log = logging.getLogger(__name__)


class AccessCache:
    """``ask`` blocks for the spawner's answer. ``authorities``: public key lines of the user CAs."""

    def __init__(self, ask: Ask, authorities: Sequence[str], connect: Callable[[], Client]) -> None:
        self._ask = ask
        self._connect = connect
        self._bundle: AccessBundle | None = None
        self._stored: AccessBundle | None = None
        self._complaint = ""
        self._watch = BundleWatch(connect, self._take, self._outdated)
        self.user_ssh_ca = list(authorities)
        """Public key lines of the user CAs."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when roles or locks are others than before, or have become out of date."""

    @property
    def reachable(self) -> bool:
        """The auth service has answered the last time it was asked."""
        return self._watch.reachable

    async def load(self) -> None:
        """Begin with the bundle that the spawner has kept. Raises ProctorError."""
        content = (await _threads.run(self._ask, GetBundle())).content
        if content:
            self._bundle = self._stored = from_json(content, AccessBundle)

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

    def refusal(self, subject: Subject, certificate: Certificate) -> str:
        """Why ``subject`` may not be here (any more), apart from what roles allow; empty when they may.

        With locks that are out of date, that is everybody in strict mode.
        """
        if self._bundle is None:
            return ""
        if reason := self._bundle.refusal(subject, certificate, SYSTEM.now()):
            return reason
        known = self.known(subject.roles)
        return OUTDATED if self._watch.stale and self._bundle.is_strict(known) else ""

    async def refresh(self) -> bool:
        """Ask the auth service now; False when it does not answer, and what was known stays."""
        try:
            client = self._connect()
            request = pb.GetAccessBundleRequest()
            answer = await client.call(client.auth.GetAccessBundle, request, timeout=timeouts.AUTH_CALL)
        except (ProctorError, OSError) as error:
            self._watch.failed(error)
            return False
        self._watch.heard()
        return await self._learn(answer)

    def _outdated(self) -> None:
        self.on_change()

    async def _take(self, message: pb.AccessBundle) -> None:
        await self._learn(message)

    async def _learn(self, message: pb.AccessBundle) -> bool:
        """Go by a bundle, and have the spawner keep it; False when it does not."""
        try:
            fresh = from_json(message.json, AccessBundle)
            self._restrict(fresh)
            if self._stored is None or _worth_storing(fresh, self._stored):
                store = StoreBundle(content=message.json, signature=message.signature)
                await _threads.run(self._ask, store)
                self._stored = fresh
        except (ProctorError, OSError) as error:
            if str(error) != self._complaint:
                _log.error("roles are those that this node has kept: %s", error)
            self._complaint = str(error)
            return False
        self._complaint = ""
        self._go_by(fresh)
        return True

    def _restrict(self, fresh: AccessBundle) -> None:
        """Go by the locks of ``fresh`` at once: whether the spawner can keep it does not matter for them."""
        if self._bundle is not None:
            restricted = replace(
                self._bundle,
                locks=fresh.locks,
                revocations=fresh.revocations,
                locking_mode=fresh.locking_mode,
                removed_hosts=fresh.removed_hosts,
            )
            self._go_by(restricted)

    def _go_by(self, fresh: AccessBundle) -> None:
        before, self._bundle = self._bundle, fresh
        if before is None or fresh.says_more_than(before):
            self.on_change()

    async def run(self) -> None:
        """Follow what the auth service says until cancelled."""
        await self._watch.run()


def _worth_storing(fresh: AccessBundle, kept: AccessBundle) -> bool:
    renewed = parse_time(fresh.issued) - parse_time(kept.issued)
    after = RENEWED_AFTER_WHEN_STRICT if fresh.is_strict() else RENEWED_AFTER
    return fresh.says_more_than(kept) or renewed >= after
