# SPDX-License-Identifier: Apache-2.0
import pytest

from proctor.cli.output import size_text
from proctor.cli.tctl.storage import retain_text, storage_text
from proctor.rpc._pb import record_pb2 as pb


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_storage() -> None:
    days = [pb.StoredDay(day="2023-07-04", bytes=1024, size=10240, compressed=True)]
    found = pb.StorageResponse(
        days=days, recordings=1, recording_bytes=2048, events_retention=365 * 86400, recordings_retention=0
    )
    text = storage_text(found)
    assert "Audit log        1.0 KiB, 1 day\n" in text
    assert "Recordings       2.0 KiB, 1 session\n" in text
    assert "Audit log kept   365d\n" in text
    assert "Recordings kept  for ever\n" in text
    assert "2023-07-04 1.0 KiB 10.0 KiB yes" in text


def test_retention() -> None:
    found = pb.RetainResponse(days=["2023-07-04"], recordings=["86aca627"], events=3, bytes=2048)
    assert retain_text(found, dry_run=True).splitlines() == [
        "would remove the day 2023-07-04 of the audit log",
        "would remove the recording of session 86aca627",
        "3 events and 1 recording, 2.0 KiB",
    ]
    assert retain_text(pb.RetainResponse(held="wait"), dry_run=False) == "nothing is due\nNOTE: wait"
