# SPDX-License-Identifier: Apache-2.0
from collections.abc import Mapping
from typing import Any

import pytest

from proctor.auth.housekeeping.usage import DayUsage, Usage
from proctor.runtime.diag.metrics import Metrics
from proctor.runtime.diag.storage_metrics import StorageCollector


def test_what_is_stored_is_in_the_metrics() -> None:
    days = (DayUsage("2023-07-04", 10, 100, compressed=True), DayUsage("2023-07-05", 7, 7, compressed=False))
    numbers = Usage(days=days, recordings=3, recording_bytes=999, state_bytes=5, index_bytes=6, free=1 << 30)
    text = Metrics().exposition(None, numbers.numbers)
    assert "proctor_storage_log_days 2.0" in text
    assert "proctor_storage_log_bytes 17.0" in text
    assert "proctor_storage_recordings 3.0" in text
    assert "proctor_storage_recording_bytes 999.0" in text
    assert "proctor_storage_free_bytes 1.073741824e+09" in text


def test_without_an_auth_service_there_are_none() -> None:
    assert "proctor_storage" not in Metrics().exposition(None)
    assert "proctor_storage" not in Metrics().exposition(None, {})


@pytest.mark.parametrize("status", [None, {}, {"log_days": "2"}, {"log_days": None, "unknown": 7}])
def test_what_is_no_number_is_no_metric(status: Mapping[str, Any] | None) -> None:
    collector = StorageCollector()
    collector.status = status
    assert list(collector.collect()) == []


def test_nothing_stored_is_a_metric_of_0() -> None:
    collector = StorageCollector()
    collector.status = {"recordings": 0, "free_bytes": 1 << 60}
    samples = [sample for metric in collector.collect() for sample in metric.samples]
    assert {sample.name: sample.value for sample in samples} == {
        "proctor_storage_recordings": 0,
        "proctor_storage_free_bytes": float(1 << 60),
    }
