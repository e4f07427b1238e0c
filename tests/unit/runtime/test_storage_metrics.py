# SPDX-License-Identifier: Apache-2.0
from proctor.auth.housekeeping.usage import DayUsage, Usage
from proctor.runtime.diag.metrics import Metrics


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
