# SPDX-License-Identifier: Apache-2.0
"""The metrics of a host, collected by the supervisor and shown by the diag process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest

from proctor.runtime.diag.capture_metrics import CaptureCollector
from proctor.runtime.diag.storage_metrics import StorageCollector


class Metrics:
    """Counters of the supervisor about its services, and those of the capture service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(namespace="supervisor", registry=self._registry)
        self._up = Gauge("proctor_service_up", "1 when ready", ["service"], registry=self._registry)
        self._restarts = Counter(
            "proctor_service_restarts", "Starts after an unwanted end", ["service"], registry=self._registry
        )
        self._capture = CaptureCollector()
        self._registry.register(self._capture)
        self._storage = StorageCollector()
        self._registry.register(self._storage)

    def up(self, service: str, ready: bool) -> None:
        """Note whether ``service`` is ready."""
        self._up.labels(service).set(int(ready))

    def restarted(self, service: str, count: int = 1) -> None:
        """Count a restart, or the ``count`` of an earlier process image."""
        self._restarts.labels(service).inc(count)

    def exposition(self, capture: Mapping[str, Any] | None, auth: Mapping[str, Any] | None = None) -> str:
        """The text of all metrics, with the status of services; None when a service gives none."""
        self._capture.status = capture
        self._storage.status = auth
        return generate_latest(self._registry).decode()
