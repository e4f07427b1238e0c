# SPDX-License-Identifier: Apache-2.0
"""Which content was executed, as SHA-256."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proctor.capture.digests import MAX_SIZE, SIZE, TICK_NS
from testing.capture import CaptureHarness, Event
from testing.polling import until


def executed(lab: CaptureHarness, act: Callable[[], object]) -> Event:
    return lab.run(act, ["command"]).commands[-1]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Old enough for its time of change to tell it from others."""
    path = Path(shutil.copy("/bin/true", tmp_path / "program"))
    until(lambda: time.time_ns() - path.stat().st_ctime_ns > 2 * TICK_NS)
    return path


def test_binary(lab: CaptureHarness, program: Path) -> None:
    event = executed(lab, lambda: os.execv(program, ["program"]))

    assert (event["sha256"], "sha256_missing" in event) == (sha256(program), False)


def test_too_large_to_read_while_everything_waits(lab: CaptureHarness, program: Path) -> None:
    os.truncate(program, MAX_SIZE + 1)
    event = executed(lab, lambda: os.execv(program, ["program"]))

    assert (event["sha256_missing"], "sha256" in event) == (SIZE, False)


def test_of_a_script_it_is_the_interpreter(lab: CaptureHarness, program: Path) -> None:
    program.write_text("#!/bin/sh\n:\n")
    event = executed(lab, lambda: os.execv(program, ["program"]))

    assert event["sha256"] == sha256(Path("/bin/sh"))


def test_without_a_file_system(lab: CaptureHarness) -> None:
    def run_from_memory() -> None:
        memory = os.memfd_create("hidden")
        os.write(memory, Path("/bin/cat").read_bytes())
        os.execve(memory, ["cat", "/dev/stdin"], {})

    reader, writer = os.pipe()

    def wait_for_end() -> None:
        os.dup2(reader, 0)
        os.close(writer)
        run_from_memory()

    with lab.session(wait_for_end, ["command"]) as session:
        os.close(reader)
        lab.wait_for(session, "session.command")
        os.close(writer)

    event = session.commands[-1]
    assert (event["exe_state"], event["sha256"]) == ("memfd", sha256(Path("/bin/cat")))


def test_deleted_while_it_runs(lab: CaptureHarness, tmp_path: Path) -> None:
    program = Path(shutil.copy("/bin/cat", tmp_path / "program"))
    expected = sha256(program)
    reader, writer = os.pipe()

    def run() -> None:
        os.close(writer)
        os.dup2(reader, 0)
        descriptor = os.open(program, os.O_RDONLY)
        program.unlink()
        os.execve(descriptor, ["program"], {})

    with lab.session(run, ["command"]) as session:
        os.close(reader)
        lab.wait_for(session, "session.command")
        os.close(writer)

    event = session.commands[-1]
    assert (event["exe_state"], event["sha256"]) == ("deleted", expected)


def test_replaced_afterwards(lab: CaptureHarness, program: Path) -> None:
    """The digest is of the program that ran, or missing."""
    expected = sha256(program)

    def run_and_replace() -> None:
        subprocess.run([program], check=True)
        program.unlink()
        program.write_bytes(b"something else")

    event = executed(lab, run_and_replace)

    assert event.get("sha256", expected) == expected
    assert ("sha256" in event) is not ("sha256_missing" in event)


def test_written_over_within_a_tick_of_the_clock(lab: CaptureHarness, program: Path) -> None:
    """Each run is of another content, while the time of change may stay the same."""
    contents = [program.read_bytes() + bytes([number]) for number in range(64)]
    program.write_bytes(contents[0])

    def run_and_change() -> None:
        for content in contents:
            descriptor = os.open(program, os.O_WRONLY)
            os.pwrite(descriptor, content[-1:], len(content) - 1)
            os.close(descriptor)
            os.waitpid(os.posix_spawn(program, ["program"], {}), 0)

    events = lab.run(run_and_change, ["command"]).commands

    assert len(events) == len(contents)
    for event, content in zip(events, contents, strict=True):
        expected = hashlib.sha256(content).hexdigest()
        assert event.get("sha256", expected) == expected


def test_failed_exec_has_none(lab: CaptureHarness) -> None:
    def fail() -> None:
        try:
            os.execv("/nowhere", ["x"])
        except OSError:
            os._exit(0)

    event = executed(lab, fail)

    assert not {"sha256", "sha256_missing"} & event.keys()
