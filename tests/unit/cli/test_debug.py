# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from proctor.capture.kernel.capability_report import CapabilityReport
from proctor.capture.selftest.expectations import Outcome
from proctor.cli.teleport.debug import Findings, configuration, describe, examine
from proctor.config.schema import EnhancedRecording
from proctor.core.errors import AccessDenied

SEEN = Outcome(action="open", title="opened file", program="proctor_sysexit", seen=True, promised=True)
UNSEEN = Outcome(action="send_v4", title="datagram", program="proctor_send4", seen=False, promised=True)


def findings(*outcomes: Outcome, report: CapabilityReport | None = None) -> Findings:
    report = report or CapabilityReport(hooks={"proctor_sysexit": "tp_btf/sys_exit"}, variant="capture")
    rings = {"command": 1 << 20, "disk": 4 << 20, "network": 4096}
    return Findings(
        kernel="6.1.0", rings=rings, cgroups="/sys/fs/cgroup", report=report, outcomes=list(outcomes)
    )


def test_what_is_seen() -> None:
    text = describe(findings(SEEN))

    assert "commands 1 MiB, files 4 MiB, network 4 KiB" in text
    assert "opened file yes  tp_btf/sys_exit" in text
    assert text.endswith("Everything that enhanced recording promises is recorded here.")


def test_what_is_not_seen() -> None:
    found = findings(SEEN, UNSEEN)

    assert not found.ok
    assert "datagram    NO   -" in describe(found)
    assert describe(found).endswith("Enhanced recording does not keep its promise here: datagram.")


def test_what_cannot_be_recorded() -> None:
    found = findings(report=CapabilityReport(missing=["Nothing can be."], limits=["Little."]))

    assert not found.ok
    assert "promised:\n  Nothing can be.\n\nLimits on this kernel:\n  Little.\n" in describe(found)


def test_only_root_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)

    with pytest.raises(AccessDenied, match="only be found out as root"):
        examine(EnhancedRecording())


def test_configuration_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "teleport.yaml"
    path.write_text(
        "version: v3\nssh_service:\n  enhanced_recording:\n    enabled: yes\n    cgroup_path: /mine\n"
    )

    assert configuration(str(path)).cgroup_path == "/mine"


def test_configuration_without_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("proctor.cli.teleport.debug.DEFAULT_PATH", str(tmp_path / "absent.yaml"))

    assert configuration("") == EnhancedRecording()
