# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from proctor.runtime.diag.metrics import Metrics
from testing.capture import CaptureHarness
from testing.polling import until


def scraped(status: dict[str, Any]) -> dict[str, float]:
    """The metrics of a capture service with this status, by name and labels."""
    lines = Metrics().exposition(status).splitlines()
    pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in pairs}


def test_counts_stay_when_sessions_have_gone(lab: CaptureHarness) -> None:
    before = scraped(lab.status())
    session = lab.run(["/bin/true"], ["command"])
    lab.subscriber.closed(session.sid)
    until(lambda: session.sid not in lab.status()["sessions"], 10, "forgotten")
    after = scraped(lab.status())

    for name in ("submitted", "events"):
        metric = f'proctor_capture_{name}_total{{kind="command"}}'
        assert after[metric] - before.get(metric, 0) == 1
    assert after["proctor_capture_attached"] == 0
    assert after["proctor_capture_frozen_seconds_total"] == 0


def test_sessions_are_counted_by_phase(lab: CaptureHarness) -> None:
    with lab.session(["/bin/true"]) as session:
        metrics = scraped(lab.status())

    lab.subscriber.closed(session.sid)
    assert metrics['proctor_capture_sessions{phase="open"}'] >= 1
    assert metrics["proctor_capture_attached"] == 1


def test_without_a_status_there_are_no_metrics_of_capture() -> None:
    assert not [name for name in scraped({}) if name.startswith("proctor_capture")]
