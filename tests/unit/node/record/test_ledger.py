# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from proctor.captureproto.capture_messages import LossAccounting
from proctor.node.record.ledger import Ledger
from proctor.node.record.recorder import RECORDING, SPOOL


def test_sum_of_all_stages_is_what_was_submitted() -> None:
    ledger = Ledger()
    ledger.note({"disk": 5, "command": 1})
    ledger.note({"disk": 2}, RECORDING)
    ledger.note({"disk": 1}, SPOOL)

    event = ledger.event(
        LossAccounting(
            submitted={"disk": 12, "command": 1},
            delivered={"disk": 8, "command": 1},
            lost={"ring": {"disk": 4}},
            freezes=2,
            frozen_ms=70,
        )
    )

    assert event.submitted == {"disk": 12, "command": 1}
    assert event.stored == {"disk": 5, "command": 1}
    assert event.lost == {"ring": {"disk": 4}, "recording": {"disk": 2}, "spool": {"disk": 1}}
    assert (event.freezes, event.frozen_ms) == (2, 70)


def test_what_capture_sent_and_the_node_never_saw_is_reported() -> None:
    assert Ledger().event(LossAccounting(delivered={"disk": 3})).lost == {"undelivered": {"disk": 3}}


def test_what_a_previous_run_has_stored_counts() -> None:
    ledger = Ledger(resumed=True)
    ledger.note({"disk": 1})

    event = ledger.event(LossAccounting(submitted={"disk": 3}, delivered={"disk": 3}))

    assert (event.stored, event.lost) == ({"disk": 3}, {})


def test_without_capture_the_submitted_count_is_unknown() -> None:
    ledger = Ledger()
    ledger.note({"disk": 1})

    assert (ledger.event(None).submitted, ledger.event(None).stored) == ({}, {"disk": 1})
