# SPDX-License-Identifier: Apache-2.0
"""Counters of the capture service, for /metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from proctor.captureproto.capture_messages import LossAccounting
from proctor.model.serde import convert


class _Status(msgspec.Struct):
    attached: bool
    sessions: dict[str, str]
    missed_runs: int
    account: LossAccounting


class CaptureCollector(Collector):
    """``status``: the last answer of the capture service; without one there are no metrics."""

    def __init__(self) -> None:
        self.status: Mapping[str, Any] | None = None

    def collect(self) -> Iterator[Metric]:
        """The metrics now."""
        try:
            status = convert(self.status, _Status)
        except msgspec.ValidationError:
            return
        yield from _records(status.account)
        yield _gauge("attached", "1 while programs are on their hooks", float(status.attached))
        sessions = GaugeMetricFamily("proctor_capture_sessions", "Sessions known", labels=["phase"])
        for phase, count in Counter(status.sessions.values()).items():
            sessions.add_metric([phase], count)
        yield sessions
        yield _counter("missed_runs", "Runs of a program that the kernel skipped", status.missed_runs)


def _records(account: LossAccounting) -> Iterator[Metric]:
    by_kind: list[tuple[str, str, dict[str, int]]] = [
        ("started", "Attempts, where the kernel programs know them first", account.started),
        ("unfinished", "Attempts without a record, since they have not ended", account.unfinished),
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
