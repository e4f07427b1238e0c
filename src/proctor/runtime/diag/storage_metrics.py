# SPDX-License-Identifier: Apache-2.0
"""Disk usage of the auth service, for /metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_TEXTS = {
    "log_days": "Day files of the audit log",
    "log_bytes": "Bytes of the audit log on the disk",
    "recordings": "Complete recordings",
    "recording_bytes": "Bytes of complete recordings",
    "state_bytes": "Bytes of the state database",
    "index_bytes": "Bytes of the index of the audit log",
    "free_bytes": "Bytes free on the file system of the audit log",
}


class StorageCollector(Collector):
    """``status``: the last answer of the auth service; without one there are no metrics."""

    def __init__(self) -> None:
        self.status: Mapping[str, Any] | None = None

    def collect(self) -> Iterator[Metric]:
        """The metrics now."""
        for name, text in _TEXTS.items():
            if self.status and isinstance(value := self.status.get(name), int):
                yield GaugeMetricFamily(f"proctor_storage_{name}", text, value=value)
