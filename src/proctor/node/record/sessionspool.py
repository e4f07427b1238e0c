# SPDX-License-Identifier: Apache-2.0
"""The node's spool, as one session uses it: its attestation comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proctor.audit.spool import Reservation, Spool
from proctor.model.event import Event
from proctor.model.events import SessionAttestation
from proctor.model.serde import to_json


class SessionSpool:
    """Nothing of the session is spooled before its attestation: the auth service would refuse it.

    Methods raise Unavailable, as those of ``Spool`` do.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._attestation: SessionAttestation | None = None

    @property
    def position(self) -> int:
        """As of the spool."""
        return self._spool.position

    def attest(self, event: SessionAttestation) -> None:
        """Spool the attestation, now or before the next event."""
        self._attestation = event
        self._attest(reserved=False)

    def _attest(self, *, reserved: bool) -> None:
        if self._attestation is not None:
            self._spool.extend([self._attestation], reserved=reserved, counted=True)
            self._attestation = None

    def reserve(self, size: int) -> Reservation:
        """As of the spool, with space for an attestation that waits."""
        waiting = len(to_json(self._attestation.to_dict())) if self._attestation is not None else 0
        return self._spool.reserve(size + waiting)

    def extend(self, events: Iterable[Event | Mapping[str, Any]], *, reserved: bool = False) -> None:
        """Keep several events; their loss is reported by the caller."""
        self._attest(reserved=reserved)
        self._spool.extend(events, reserved=reserved, counted=True)

    def extend_lines(self, lines: bytes, count: int) -> None:
        """The same for ``count`` events that are lines already."""
        self._attest(reserved=False)
        self._spool.extend_lines(lines, count, counted=True)
