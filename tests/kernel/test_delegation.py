"""What daemons start for a session is the session's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.capture import Event, Lab
from tests.support.polling import until
from tests.support.processes import Process

MARK = "/bin/echo"
AT_PID = Path("/run/atd.pid")


def running(name: str) -> bool:
    return subprocess.run(["pgrep", "--exact", name], stdout=subprocess.DEVNULL, check=False).returncode == 0


@contextmanager
def daemon(directory: Path, *argv: str) -> Iterator[Process]:
    """A daemon, unless there is one already."""
    if shutil.which(argv[0]) is None or running(argv[0]):
        pytest.skip(f"needs a {argv[0]} of its own")
    process = Process(argv, log=directory / f"{argv[0]}.log")
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def atd(directory: Path) -> Iterator[Process]:
    """The daemon of at, which starts a job at once."""
    with daemon(directory, "atd", "-f", "-b", "1", "-l", "1000") as process:
        until(lambda: AT_PID.exists() and AT_PID.read_text().strip() == str(process.pid), 10, "atd")
        yield process


def marks(events: list[Event], mark: str) -> list[Event]:
    """Commands that say ``mark``."""
    return [event for event in events if event["event"] == "session.command" and event["argv"] == [mark]]


def at(job: str, when: str = "now") -> list[str]:
    return ["sh", "-c", f"echo '{job}' | at {when}"]


def test_at(lab: Lab, tmp_path: Path) -> None:
    with atd(tmp_path):
        session = lab.run(at(f"{MARK} later; touch {tmp_path}/done"))
        lab.subscriber.closed(session.sid)

    events = lab.subscriber.events(session.sid)
    [event] = marks(events, "later")
    assert event["detached"]
    assert event["delegated"]["daemon"] == "atd"
    assert event["delegated"]["evidence"].startswith("wrote /var/spool/cron/atjobs/a")
    touched = [opened for opened in events if opened.get("path") == f"{tmp_path}/done"]
    assert [opened["delegated"] for opened in touched] == [event["delegated"]]
    assert len({event["uid"] for event in events}) == len(events)
    assert "delegated" not in session.commands[0]


def test_a_daemon_that_starts_later(lab: Lab, tmp_path: Path) -> None:
    done = tmp_path / "done"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"read line < {pipe}; echo touch {done} | at now"
    with lab.session(["sh", "-c", script]) as session, atd(tmp_path):
        pipe.write_text("go\n")
        until(done.exists, 20, "job")
        until(lambda: not subprocess.run(["atq"], capture_output=True, check=True).stdout, 10, "no job")

    [event] = [event for event in session.opens if event["path"] == str(done)]
    assert event["delegated"]["daemon"] == "atd"


def test_jobs_of_others_are_not_recorded(lab: Lab, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with atd(tmp_path), lab.session(["sleep", "1000"]) as session:
        subprocess.run(at(f"touch {done}"), check=True, stderr=subprocess.DEVNULL)
        until(done.exists, 20, "job")
        os.kill(session.child.pid, signal.SIGKILL)

    assert {tuple(command["args"]) for command in session.commands} == {("sleep", "1000")}
    assert not [event for event in session.opens if event["path"] == str(done)]


def test_a_session_has_its_job_until_that_is_removed(lab: Lab) -> None:
    session = lab.run(at(MARK, "now + 1 day"))
    assert lab.status()["sessions"][session.sid] == "detached"

    [job] = subprocess.run(["atq"], capture_output=True, check=True, text=True).stdout.splitlines()
    subprocess.run(["atrm", job.split()[0]], check=True)

    lab.subscriber.closed(session.sid)
