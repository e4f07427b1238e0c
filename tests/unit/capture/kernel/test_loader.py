# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from proctor.capture.kernel import capability_report
from proctor.capture.kernel.capability_report import CapabilityReport, kernel_version, probe, refusal
from proctor.capture.kernel.loader import AUTO, RingSizes
from proctor.config.schema import EnhancedRecording

ROOT = "CapEff:\t000001ffffffffff\n"
UNPRIVILEGED = "CapEff:\t0000000000000000\n"


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.18.44-fc-v595", (6, 18)), ("5.4.0-100-generic", (5, 4)), ("5.15", (5, 15)), ("strange", (0, 0))],
)
def test_kernel_version(release: str, version: tuple[int, int]) -> None:
    assert kernel_version(release) == version


@pytest.mark.parametrize(
    ("status", "may"),
    [
        (ROOT, True),
        (UNPRIVILEGED, False),
        ("CapEff:\t000000c000000000\n", True),
        ("CapEff:\t0000008000000000\n", False),
        ("", False),
    ],
)
def test_capabilities(status: str, may: bool) -> None:
    assert capability_report.may_load(status) is may


def test_obstacles_are_sentences(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(capability_report, "BTF", tmp_path / "vmlinux")
    monkeypatch.setattr(os, "uname", lambda: type("Uname", (), {"release": "4.19.0"}))

    found = probe()

    assert not found.ok
    assert found.missing[:2] == [
        "Commands, opened files and connections cannot be recorded: "
        "the kernel is 4.19.0, and 5.8 or newer is needed.",
        "Commands, opened files and connections cannot be recorded: "
        f"the kernel has no type information ({tmp_path}/vmlinux does not exist).",
    ]


def test_refusal_names_purpose_program_and_reason() -> None:
    assert refusal("proctor_exec", 1) == (
        "Executed commands cannot be recorded: "
        "the kernel refuses the program proctor_exec (EPERM, Operation not permitted)."
    )
    assert "another" in refusal("another", 22)


def test_report_is_ok_when_nothing_is_missing() -> None:
    assert CapabilityReport().ok
    assert not CapabilityReport(missing=["something"]).ok


def test_ring_sizes_of_the_guide() -> None:
    assert RingSizes.of(EnhancedRecording()) == (8 * 4096, 128 * 4096, 8 * 4096)
    assert RingSizes.of(
        EnhancedRecording(command_buffer_size=0, disk_buffer_size=0, network_buffer_size=1)
    ) == (
        AUTO.command,
        AUTO.disk,
        4096,
    )
