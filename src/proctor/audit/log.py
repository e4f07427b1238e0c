# SPDX-License-Identifier: Apache-2.0
"""The interface of every store of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from proctor.model.event import Event
from proctor.model.stamp import Summary

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to look for; an empty field matches everything.

    ``from_time`` and ``to_time`` bound the events' own ``time``, both ends included. ``host`` is the id or
    the name of a server. ``text`` is a substring of the event's JSON as it is stored; what may be a part of
    any number or identifier is not looked for in ``ei``, ``time`` and ``uid``, apart from the first eight or
    more characters of ``uid``. ``start_key`` is ``next_key`` of the page before.
    """

    from_time: datetime | None = None
    to_time: datetime | None = None
    event_types: tuple[str, ...] = ()
    sid: str = ""
    user: str = ""
    host: str = ""
    text: str = ""
    limit: int = DEFAULT_LIMIT
    start_key: str = ""
    ascending: bool = False


@dataclass(frozen=True)
class Page:
    """Matching events as JSON, sorted by time and ``ei``, newest first unless asked otherwise.

    Pages follow each other in the order in which events were stored. ``next_key`` is empty when the whole
    log has been searched; the page after a key may have no events. ``incomplete``: time was over before
    there were as many events as asked for.
    """

    events: list[bytes] = field(default_factory=list)
    next_key: str = ""
    incomplete: bool = False


class AuditLog(Protocol):
    """An append-only store of audit events. Methods block and may be called from any thread."""

    @property
    def uid_key(self) -> bytes:
        """The key of fingerprints in a summary (``model.uids``)."""

    def append(self, source: str, first_sequence: int, lines: bytes, found: Summary | None = None) -> int:
        """Store a batch of a spool; returns the highest sequence number stored for ``source``.

        ``lines``: events, each with its newline; ``first_sequence`` is that of the first. ``found``: their
        summary by ``uid_key``, from who has it already.
        On return the events survive a crash. Numbers stored before are dropped, a hole in the numbers
        becomes an ``audit.gap`` event, and so does an event that is not one. Raises Unavailable when the
        store cannot be written; nothing of the batch is acknowledged then.
        """

    def append_own(self, event: Event | Mapping[str, Any]) -> EventFields:
        """Store an event of this service itself; returns it with ``uid``, ``time``, ``cluster_name`` filled.

        An event that already has a ``uid`` is stored once, however often it is given again soon after.
        Raises Unavailable as ``append`` does.
        """

    def search(self, query: Query) -> Page:
        """The next page of events that match. Raises BadRequest for a malformed ``start_key`` or limit."""

    def close(self) -> None:
        """Write what is pending and release files."""
