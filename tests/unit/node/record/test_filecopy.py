# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import msgspec
import pytest

from proctor.model.events import SftpSummary
from proctor.node.record.filecopy import sftp_event


def test_operations_become_events() -> None:
    event = sftp_event({"action": "rename", "path": "/a", "target_path": "/b", "working_directory": "/home"})

    fields = event.to_dict()
    assert (fields["code"], fields["action"]) == ("TS016I", 16)
    assert (fields["path"], fields["target_path"], fields["working_directory"]) == ("/a", "/b", "/home")


def test_failures_have_codes_of_their_own() -> None:
    assert sftp_event({"action": "open", "path": "/a", "error": "no"}).to_dict()["code"] == "TS001E"


def test_paths_of_other_encodings_are_escaped_in_the_documented_way() -> None:
    path = os.fsdecode(b"/b\xfcro\\1")
    event = sftp_event({"action": "open", "path": path, "target_path": path}).to_dict()
    assert (event["path"], event["target_path"]) == ("/b\\xfcro\\\\1",) * 2
    summary = sftp_event({"action": "summary", "file_transfer_stats": [{"path": path, "bytes_read": 1}]})
    assert isinstance(summary, SftpSummary)
    assert summary.file_transfer_stats[0]["path"] == "/b\\xfcro\\\\1"


def test_summary() -> None:
    stats = [{"path": "/a", "bytes_read": 1, "bytes_written": 0}]

    event = sftp_event({"action": "summary", "file_transfer_stats": stats})

    assert isinstance(event, SftpSummary)
    assert event.file_transfer_stats == stats


@pytest.mark.parametrize("report", [{}, {"action": "format"}, {"action": "open", "uid": 0}, {"action": 1}])
def test_nonsense_is_a_value_error(report: dict[str, object]) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        sftp_event(report)
