"""What the capture service counts, for /metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from proctor.bpf.messages import Account
from proctor.core import unixsock, wire
from proctor.model.serde import convert

_SECONDS = 2.0


class _Status(msgspec.Struct):
    attached: bool
    sessions: dict[str, str]
    missed_runs: int
    account: Account


class CaptureCollector(Collector):
    """Asks the capture service at each scrape; one that does not answer has no metrics."""

    def __init__(self, path: Path) -> None:
        """``path``: of ``capture.sock``."""
        self._path = path

    def collect(self) -> Iterator[Metric]:
        """The metrics now."""
        try:
            status = convert(self._ask(), _Status)
        except (OSError, wire.FrameError, msgspec.ValidationError):
            return
        yield from _records(status.account)
        yield _gauge("attached", "1 while programs are on their hooks", float(status.attached))
        sessions = GaugeMetricFamily("proctor_capture_sessions", "Sessions known", labels=["phase"])
        for phase, count in Counter(status.sessions.values()).items():
            sessions.add_metric([phase], count)
        yield sessions
        yield _counter("missed_runs", "Runs of a program that the kernel skipped", status.missed_runs)

    def _ask(self) -> wire.Message:
        connection = unixsock.connect(self._path)
        with connection:
            connection.settimeout(_SECONDS)
            wire.send(connection, {"op": "status"})
            received = wire.receive(connection)
        if received is None:
            raise wire.FrameError("no answer")
        return received[0]


def _records(account: Account) -> Iterator[Metric]:
    by_kind: list[tuple[str, str, dict[str, int]]] = [
        ("submitted", "Records that the kernel programs have made", account.submitted),
        ("events", "Events queued for the node", account.delivered),
        ("filtered", "Records left out by the rule of noise reduction", account.filtered),
    ]
    for name, text, counts in by_kind:
        family = CounterMetricFamily(f"proctor_capture_{name}", text, labels=["kind"])
        for kind, count in counts.items():
            family.add_metric([kind], count)
        yield family
    losses = CounterMetricFamily("proctor_capture_losses", "Records lost", labels=["stage", "kind"])
    for stage, counts in account.lost.items():
        for kind, count in counts.items():
            losses.add_metric([stage, kind], count)
    yield losses
    yield _counter("freezes", "How often strict sessions were held", account.freezes)
    yield _counter("frozen_seconds", "For how long strict sessions were held", account.frozen_ms / 1000)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"proctor_capture_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"proctor_capture_{name}", text, value=value)
