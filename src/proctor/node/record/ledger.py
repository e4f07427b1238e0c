# SPDX-License-Identifier: Apache-2.0
"""The node's part of the account of a session's kernel events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from proctor.captureproto.capture_messages import LossAccounting
from proctor.model.events import SessionLedger


class Ledger:
    """Accounting of the events that capture has delivered, by kind."""

    def __init__(self, *, resumed: bool = False) -> None:
        """``resumed``: a previous run of the node has stored some of them."""
        self._resumed = resumed
        self._stored: Counter[str] = Counter()
        self._lost: dict[str, Counter[str]] = {}

    def note(self, counts: Mapping[str, int], lost_at: str = "") -> None:
        """These were stored, or else lost at the stage ``lost_at``."""
        if lost_at:
            self._lost.setdefault(lost_at, Counter()).update(counts)
        else:
            self._stored.update(counts)

    def event(self, account: LossAccounting | None) -> SessionLedger:
        """The event; without ``account`` of capture the submitted counts are unknown."""
        if account is None:
            return SessionLedger(stored=dict(self._stored), lost=self._losses({}))
        accounted = self._stored + sum(self._lost.values(), Counter[str]())
        missing = Counter(account.delivered) - accounted
        stored = self._stored + missing if self._resumed else self._stored
        undelivered = {} if self._resumed else {"undelivered": dict(missing)}
        return SessionLedger(
            started=account.started,
            unfinished=account.unfinished,
            submitted=account.submitted,
            stored=dict(stored),
            filtered=account.filtered,
            lost=self._losses({**account.lost, **undelivered}),
            freezes=account.freezes,
            frozen_ms=account.frozen_ms,
        )

    def _losses(self, elsewhere: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
        lost = {**elsewhere, **self._lost}
        return {stage: dict(counts) for stage, counts in lost.items() if counts}
