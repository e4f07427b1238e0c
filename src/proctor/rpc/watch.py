# SPDX-License-Identifier: Apache-2.0
"""A host's stream of access bundles: roles and locks, pushed by the auth service when they change."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import ProctorError, Unavailable
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.grpc_status import translated

BEAT_SECONDS = 3.0
"""Between two messages of the auth service, at most."""

SILENT_SECONDS = 10.0
"""After which a stream without messages is given up."""

STALE_SECONDS = 30.0
"""After which what was received last is out of date."""

RETRY_SECONDS = 1.0
"""Between two attempts, on average."""

_log = logging.getLogger(__name__)


class BundleWatch:
    """Follows the stream for as long as ``run`` does, with new connections where one breaks off.

    ``received`` is awaited with each bundle, before the next one is read. ``changed`` is called when what is
    known becomes out of date, and when it is not any more.
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        received: Callable[[pb.AccessBundle], Awaitable[None]],
        changed: Callable[[], None],
        clock: Clock = SYSTEM,
    ) -> None:
        self._connect = connect
        self._received = received
        self._changed = changed
        self._clock = clock
        self._heard_at = -math.inf
        self._was_stale = True
        self._complaint = ""
        self.reachable = True
        """The auth service has answered the last time."""

    @property
    def stale(self) -> bool:
        """Is what was received last out of date, since the auth service was not heard of for too long?"""
        return self._clock.monotonic() - self._heard_at > STALE_SECONDS

    def heard(self) -> None:
        """The auth service has said what holds now."""
        self.reachable, self._heard_at = True, self._clock.monotonic()
        self._check()

    def failed(self, error: Exception) -> None:
        """The auth service cannot be asked."""
        if str(error) != self._complaint:
            _log.warning("roles and locks are those that this host has kept: %s", error)
        self._complaint, self.reachable = str(error), False

    def _check(self) -> None:
        if self.stale != self._was_stale:
            self._was_stale = self.stale
            self._changed()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            started = self._clock.monotonic()
            try:
                await self._follow()
            except (ProctorError, OSError) as error:
                self.failed(error)
            else:
                if self._clock.monotonic() - started > RETRY_SECONDS:
                    continue  # The auth service ends streams now and then; nothing may be missed meanwhile.
            self._check()
            await asyncio.sleep(random.uniform(0.5, 1.5) * RETRY_SECONDS)  # noqa: S311 - jitter, no secret

    async def _follow(self) -> None:
        """One stream to its end. Raises ProctorError when that is a failure."""
        call: Any = self._connect().auth.WatchAccessBundle()
        try:
            while (message := await self._next(call)) is not None:
                if message.json:
                    await self._received(message)
                self._complaint = ""
                self.heard()
        except grpc.RpcError as error:
            raise translated(error) from None
        except (TimeoutError, asyncio.InvalidStateError, grpc.aio.UsageError):
            raise Unavailable("the Auth Service does not answer") from None
        finally:
            call.cancel()

    async def _next(self, call: Any) -> pb.AccessBundle | None:
        """A message; None at the end of the stream."""
        async with asyncio.timeout(SILENT_SECONDS):
            message = await call.read()
        return message if isinstance(message, pb.AccessBundle) else None
