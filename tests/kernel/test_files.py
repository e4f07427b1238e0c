# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, Event

CLOEXEC = os.O_CLOEXEC


def opened(lab: CaptureHarness, *calls: Callable[[], object]) -> list[Event]:
    """What is recorded of ``calls``, each of which may fail."""

    def attempt() -> None:
        for call in calls:
            try:
                call()
            except OSError:
                continue

    return lab.run(attempt, ["disk"]).opens


def test_flags_and_descriptor(lab: CaptureHarness, tmp_path: Path) -> None:
    target = tmp_path / "new"

    [event] = opened(lab, lambda: os.open(target, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600))

    assert event["path"] == str(target)
    assert event["flags"] == os.O_CREAT | os.O_RDWR | os.O_APPEND | CLOEXEC
    assert event["return_code"] > 2


def test_symlinks_and_relative_names_are_resolved(lab: CaptureHarness, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").touch()
    (tmp_path / "link").symlink_to("real")

    def relative() -> None:
        os.chdir(tmp_path)
        os.open("link/../link/./file", os.O_RDONLY)

    [event] = opened(lab, relative)

    assert event["path"] == str(tmp_path / "real/file")


def test_below_a_mount_and_a_chroot(lab: CaptureHarness) -> None:
    [event] = opened(lab, lambda: os.open("/proc/self/status", os.O_RDONLY))
    assert event["path"].startswith("/proc/")

    def chrooted() -> None:
        os.chroot("/etc")
        os.open("/hostname", os.O_RDONLY)

    [event] = opened(lab, chrooted)
    assert event["path"] == "/etc/hostname"


@pytest.mark.parametrize(
    ("path", "flags", "code"),
    [("/nowhere/at/all", os.O_RDONLY, -2), ("relative/nowhere", os.O_RDONLY, -2), ("/etc", os.O_WRONLY, -21)],
)
def test_failure_has_the_name_as_given(lab: CaptureHarness, path: str, flags: int, code: int) -> None:
    [event] = opened(lab, lambda: os.open(path, flags))

    assert (event["path"], event["return_code"]) == (path, code)


def test_file_without_a_name(lab: CaptureHarness) -> None:
    """In memory, since not every file system of every kernel knows such files."""
    [event] = opened(lab, lambda: os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR, 0o600))

    assert event["path"].startswith("/dev/shm/#")
    assert event["path"].endswith(" (deleted)")


def test_root_directory(lab: CaptureHarness) -> None:
    [event] = opened(lab, lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY))

    assert event["path"] == "/"


def test_deep_and_long_path(lab: CaptureHarness, tmp_path: Path) -> None:
    def deep() -> None:
        os.chdir(tmp_path)
        for _ in range(15):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        os.open("file", os.O_CREAT | os.O_RDWR, 0o600)

    [event] = opened(lab, deep)

    assert event["path"] == str(tmp_path / "/".join(["d" * 200] * 15) / "file")
    assert "truncated" not in event


def test_all_ways_to_open(lab: CaptureHarness) -> None:
    script = """
import ctypes, os
libc = ctypes.CDLL(None)
path = b"/etc/hostname"
libc.syscall(2, path, 0)
libc.syscall(257, -100, path, 0)
libc.syscall(437, -100, path, (ctypes.c_uint64 * 3)(os.O_NOFOLLOW, 0, 0), 24)
libc.syscall(85, b"/tmp/proctor-created", 0o600)
os.unlink("/tmp/proctor-created")
"""
    session = lab.run(["python3", "-c", script], ["disk"])

    names = [event["path"] for event in session.opens]
    assert names.count("/etc/hostname") == 3
    [created] = [event for event in session.opens if "proctor-created" in event["path"]]
    assert created["flags"] == os.O_CREAT | os.O_WRONLY | os.O_TRUNC
