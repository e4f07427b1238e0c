"""Audit events of one service on its own disk, until the auth service has stored them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from proctor.core.clock import SYSTEM, Clock
from proctor.model.events import Event
from proctor.rpc.client import Client


class Spool:
    """A queue of events in ``directory`` (``spool/<service>/``).

    ``source`` must be ``<role>/<host uuid>``; the directory's random epoch is added to it, so that a
    lost directory never reuses numbers. Methods may be called from any thread; ``deliver`` and
    ``flushed`` belong to the event loop.
    """

    full: bool
    """The last append failed for lack of space or another write error."""
    lost: int
    """Events refused since the start because they could not be written."""

    def __init__(self, directory: Path, *, source: str, cluster_name: str, clock: Clock = SYSTEM) -> None:
        raise NotImplementedError

    @property
    def pending(self) -> int:
        """Events not yet acknowledged by the auth service."""
        raise NotImplementedError

    def append(self, event: Event | Mapping[str, Any]) -> dict[str, Any]:
        """Keep one event; returns it with ``uid``, ``time`` and ``cluster_name`` filled in.

        On return it survives the death of the process. Raises Unavailable when the disk does not take
        it (then ``full`` is set and ``lost`` counted), BadRequest when it has no ``event`` or ``code``.
        """
        raise NotImplementedError

    def extend(self, events: Iterable[Event | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Keep several events with one write; all or none are kept. Raises as ``append`` does."""
        raise NotImplementedError

    async def deliver(self, connect: Callable[[], Client]) -> None:
        """Send events to the auth service until cancelled; reconnects with back-off, forever."""
        raise NotImplementedError

    async def flushed(self, seconds: float) -> bool:
        """Wait until nothing is pending; False when ``seconds`` passed first."""
        raise NotImplementedError

    def close(self) -> None:
        """Make everything durable and release files."""
        raise NotImplementedError
