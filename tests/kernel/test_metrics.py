from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from proctor.runtime.capture_metrics import CaptureCollector
from tests.support.capture import Lab
from tests.support.polling import until


def scraped(path: Path) -> dict[str, float]:
    """The metrics of the service at ``path``, by name and labels."""
    registry = CollectorRegistry()
    registry.register(CaptureCollector(path))
    lines = generate_latest(registry).decode().splitlines()
    pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in pairs}


def test_counts_stay_when_sessions_have_gone(lab: Lab) -> None:
    before = scraped(lab.path)
    session = lab.run(["/bin/true"], ["command"])
    lab.subscriber.closed(session.sid)
    until(lambda: session.sid not in lab.status()["sessions"], 10, "forgotten")
    after = scraped(lab.path)

    for name in ("submitted", "events"):
        metric = f'proctor_capture_{name}_total{{kind="command"}}'
        assert after[metric] - before.get(metric, 0) == 1
    assert after["proctor_capture_attached"] == 0
    assert after["proctor_capture_frozen_seconds_total"] == 0


def test_sessions_are_counted_by_phase(lab: Lab) -> None:
    with lab.session(["/bin/true"]) as session:
        metrics = scraped(lab.path)

    lab.subscriber.closed(session.sid)
    assert metrics['proctor_capture_sessions{phase="open"}'] >= 1
    assert metrics["proctor_capture_attached"] == 1


def test_no_service_no_metrics(tmp_path: Path) -> None:
    assert scraped(tmp_path / "capture.sock") == {}
