# SPDX-License-Identifier: Apache-2.0
"""The account of one session's records: what the kernel has counted against what we have."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from proctor.capture.kernel.abi import RecordKind, Tally
from proctor.capture.registry import CapturedSession
from proctor.captureproto.capture_messages import LossAccounting

RING, UNDECODABLE, MEMORY, UNEXPLAINED = "ring", "undecodable", "memory", "unexplained"
JOBS = "jobs"
UNREPORTED = "unreported"


def account(session: CapturedSession, tally: Tally) -> LossAccounting:
    """Account for the attempts and records of ``session``.

    While a task of it is alive the counters of the kernel still move, so the numbers of submitted records and
    of started attempts are derived from the others. Once no task is alive, every submitted record must be
    accounted for, and every started attempt must be submitted or unfinished.
    """
    lost = {stage: counts for stage, counts in _lost(session, tally).items() if counts}
    accounted = session.delivered + _of(tally.filtered) + sum(lost.values(), Counter[RecordKind]())
    submitted = accounted if tally.tasks > 0 else _of(tally.seen) + session.unattributed
    unfinished = _of(tally.unfinished)
    started = submitted + unfinished if tally.tasks > 0 else _of(tally.started) + session.unattributed
    if missing := submitted - accounted:
        lost[UNEXPLAINED] = missing
    if missing := started - submitted - unfinished:
        lost[UNREPORTED] = missing
    return LossAccounting(
        started=by_name(started),
        unfinished=by_name(unfinished),
        submitted=by_name(submitted),
        delivered=by_name(session.delivered),
        filtered=by_name(_of(tally.filtered)),
        lost={stage: by_name(counts) for stage, counts in lost.items()},
        freezes=session.held[0],
        frozen_ms=session.held[1],
    )


def merged(accounts: Iterable[LossAccounting]) -> LossAccounting:
    """The sum of ``accounts``."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    lost: defaultdict[str, Counter[str]] = defaultdict(Counter)
    freezes = frozen_ms = 0
    for one in accounts:
        sums["started"].update(one.started)
        sums["unfinished"].update(one.unfinished)
        sums["submitted"].update(one.submitted)
        sums["delivered"].update(one.delivered)
        sums["filtered"].update(one.filtered)
        for stage, counts in one.lost.items():
            lost[stage].update(counts)
        freezes, frozen_ms = freezes + one.freezes, frozen_ms + one.frozen_ms
    return LossAccounting(
        started=dict(sums["started"]),
        unfinished=dict(sums["unfinished"]),
        submitted=dict(sums["submitted"]),
        delivered=dict(sums["delivered"]),
        filtered=dict(sums["filtered"]),
        lost={stage: dict(counts) for stage, counts in lost.items()},
        freezes=freezes,
        frozen_ms=frozen_ms,
    )


def _lost(session: CapturedSession, tally: Tally) -> dict[str, Counter[RecordKind]]:
    return {
        RING: _of(tally.lost),
        UNDECODABLE: session.undecodable,
        MEMORY: session.dropped,
        JOBS: session.unattributed,
    }


def _of(counts: tuple[int, ...]) -> Counter[RecordKind]:
    return +Counter(dict(zip(RecordKind, counts, strict=False)))


def by_name(counts: Mapping[RecordKind, int]) -> dict[str, int]:
    """``counts`` as messages carry them: kinds without any left out."""
    return {kind.name.lower(): count for kind, count in sorted(counts.items()) if count}
