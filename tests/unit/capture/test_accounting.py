# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from proctor.capture.accounting import account
from proctor.capture.kernel.abi import RecordKind, Tally
from proctor.capture.registry import CapturedSession, Registry
from proctor.captureproto.capture_messages import LossAccounting

SID = "86aca627-971d-4883-854d-d309ba04c658"


def counts(**named: int) -> tuple[int, ...]:
    """A column of the kernel's tally."""
    return tuple(named.get(kind.name.lower(), 0) for kind in RecordKind)


@pytest.fixture
def session() -> CapturedSession:
    """10 opens delivered, 2 dropped, 1 that did not decode."""
    session = Registry(max_sessions=1, memory_limit=1000).add(SID, Path("/cgroup"), 7)
    session.delivered = Counter({RecordKind.DISK: 10})
    session.dropped = Counter({RecordKind.DISK: 2})
    session.undecodable = Counter({RecordKind.DISK: 1})
    return session


def test_every_stage_is_named(session: CapturedSession) -> None:
    tally = Tally(seen=counts(disk=21), lost=counts(disk=5), tasks=0, filtered=counts(disk=3))

    assert account(session, tally) == LossAccounting(
        submitted={"disk": 21},
        delivered={"disk": 10},
        filtered={"disk": 3},
        lost={"ring": {"disk": 5}, "undecodable": {"disk": 1}, "memory": {"disk": 2}},
    )


def test_records_that_are_not_accounted_for_are_reported(session: CapturedSession) -> None:
    found = account(session, Tally(seen=counts(disk=20, command=1), lost=counts(), tasks=0))

    assert found.lost["unexplained"] == {"command": 1, "disk": 7}


def test_while_tasks_are_alive_the_kernel_counts_on(session: CapturedSession) -> None:
    found = account(session, Tally(seen=counts(disk=20), lost=counts(), tasks=1))

    assert found.submitted == {"disk": 13}
    assert "unexplained" not in found.lost
