# SPDX-License-Identifier: Apache-2.0
"""What daemons start for a session is the session's."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.capture.kernel import abi, kernel_features
from proctor.captureproto.capture_messages import KernelEvents
from testing.capture import CaptureHarness, Event, assert_balanced, running_lab
from testing.evasion.catalogue import TECHNIQUES
from testing.polling import until
from testing.spool import atd, cron, manager, private_spool

MARK = "/bin/echo"
SEND_BY_RING = """
#include "uring.h"

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct ring ring = ring_of(0);
	struct io_uring_sqe send = {.opcode = IORING_OP_SENDMSG, .fd = fd, .addr = (long)message, .len = 1};

	send.msg_flags = flags;
	return submit(&ring, send);
}
"""
BY_CRON = {"daemon": "cron", "evidence": "wrote /var/spool/cron/crontabs/games"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, without: str) -> Iterator[CaptureHarness]:
    with pytest.MonkeyPatch.context() as environment, private_spool(tmp_path_factory.mktemp("spool")):
        environment.setenv(kernel_features.SWITCH, without)
        with running_lab(tmp_path_factory.mktemp("capture")) as running:
            yield running


def marks(events: list[Event], mark: str) -> list[Event]:
    """Commands that say ``mark``."""
    return [event for event in events if event["event"] == "session.command" and event["argv"] == [mark]]


def at(job: str, when: str = "now") -> list[str]:
    return ["sh", "-c", f"echo '{job}' | at {when}"]


def test_at(lab: CaptureHarness, tmp_path: Path) -> None:
    with atd(tmp_path):
        session = lab.run(at(f"{MARK} later; touch {tmp_path}/done"))
        lab.subscriber.closed(session.sid)

    events = lab.subscriber.events(session.sid)
    [event] = marks(events, "later")
    assert event["delegated"]["daemon"] == "atd"
    assert event["delegated"]["evidence"].startswith("wrote /var/spool/cron/atjobs/a")
    touched = [opened for opened in events if opened.get("path") == f"{tmp_path}/done"]
    assert [opened["delegated"] for opened in touched] == [event["delegated"]]
    assert len({event["uid"] for event in events}) == len(events)
    assert "delegated" not in session.commands[0]


def test_a_daemon_that_starts_later(lab: CaptureHarness, tmp_path: Path) -> None:
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


def test_jobs_of_others_are_not_recorded(lab: CaptureHarness, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with atd(tmp_path), lab.session(["sleep", "1000"]) as session:
        subprocess.run(at(f"touch {done}"), check=True, stderr=subprocess.DEVNULL)
        until(done.exists, 20, "job")
        os.kill(session.child.pid, signal.SIGKILL)

    assert {tuple(command["args"]) for command in session.commands} == {("sleep", "1000")}
    assert not [event for event in session.opens if event["path"] == str(done)]


def test_a_session_has_its_job_until_that_is_removed(lab: CaptureHarness) -> None:
    session = lab.run(at(MARK, "now + 1 day"))
    assert lab.status()["sessions"][session.sid] == "detached"

    [job] = subprocess.run(["atq"], capture_output=True, check=True, text=True).stdout.splitlines()
    subprocess.run(["atrm", job.split()[0]], check=True)

    lab.subscriber.closed(session.sid)


def once(lab: CaptureHarness, directory: Path, script: str, mark: str) -> Event:
    """The command that says ``mark``, which a session orders of cron by ``script``."""
    session = lab.run(["sh", "-c", script])
    assert lab.status()["sessions"][session.sid] == "detached"
    with cron(directory):
        [event] = until(lambda: marks(lab.subscriber.events(session.sid), mark), 20, "job")
    return {**event, "sid": session.sid}


def test_table_of_a_user(lab: CaptureHarness, tmp_path: Path) -> None:
    table = tmp_path / "table"
    table.write_text(f"# a comment\nX = y\n@reboot  {MARK} 100\\%%input\n")

    event = once(lab, tmp_path, f"crontab -u games {table}", "100%")

    assert event["delegated"] == BY_CRON
    assert event["process_uid"] == pwd.getpwnam("games").pw_uid
    assert lab.status()["sessions"][event["sid"]] == "detached"
    subprocess.run(["crontab", "-u", "games", "-r"], check=True)
    lab.subscriber.closed(event["sid"])


def test_table_of_the_system(lab: CaptureHarness, tmp_path: Path) -> None:
    table = Path("/etc/cron.d/proctor")

    event = once(lab, tmp_path, f"echo '@reboot games {MARK} system' > {table}; /bin/true", "system")

    assert event["delegated"]["evidence"] == f"wrote {table}"
    table.unlink()
    lab.subscriber.closed(event["sid"])


def test_program_for_every_hour(lab: CaptureHarness, tmp_path: Path) -> None:
    program, table = Path("/etc/cron.hourly/proctor"), Path("/etc/cron.d/hourly")
    table.write_text("@reboot root cd / && run-parts --report /etc/cron.hourly\n")
    script = f"echo '#!/bin/sh\n{MARK} hourly' > {program}; chmod +x {program}"

    event = once(lab, tmp_path, script, "hourly")

    assert event["delegated"]["evidence"] == f"wrote {program}"
    assert marks(lab.subscriber.events(event["sid"]), "--report") == []
    program.unlink()
    table.unlink()
    lab.subscriber.closed(event["sid"])


def test_tables_of_others_are_not_recorded(lab: CaptureHarness, tmp_path: Path) -> None:
    table = Path("/etc/cron.d/other")
    table.write_text(f"@reboot games {MARK} other\n@reboot root touch {tmp_path}/done\n")
    with lab.session(["sleep", "1000"]) as session, cron(tmp_path):
        until((tmp_path / "done").exists, 20, "job")
        os.kill(session.child.pid, signal.SIGKILL)
    table.unlink()

    assert {tuple(command["args"]) for command in session.commands} == {("sleep", "1000")}


def test_unit_that_a_manager_is_asked_for(lab: CaptureHarness, tmp_path: Path) -> None:
    with manager(tmp_path) as runtime:
        unit = f"--unit=asked sh -c '{MARK} unit; exec sleep 1000'"
        session = lab.run(["sh", "-c", f"XDG_RUNTIME_DIR={runtime} systemd-run --user {unit}"])
        [event] = until(lambda: marks(lab.subscriber.events(session.sid), "unit"), 10, "unit")
        assert lab.status()["sessions"][session.sid] == "detached"
    lab.subscriber.closed(session.sid)

    assert event["delegated"] == {"daemon": "systemd", "evidence": "asked for asked.service"}
    assert event["cgroup_id"] != session.cgroup.id


def test_unit_that_a_manager_is_asked_for_through_io_uring(lab: CaptureHarness, tmp_path: Path) -> None:
    source, library = tmp_path / "send.c", tmp_path / "send.so"
    source.write_text(SEND_BY_RING)
    subprocess.run(["gcc", "-shared", "-fPIC", f"-I{TECHNIQUES}", "-o", library, source], check=True)
    with manager(tmp_path) as runtime:
        environment = f"XDG_RUNTIME_DIR={runtime} LD_PRELOAD={library}"
        session = lab.run(["sh", "-c", f"{environment} systemd-run --user --unit=by-ring {MARK} ring"])
        lab.subscriber.closed(session.sid)

    [event] = marks(lab.subscriber.events(session.sid), "ring")
    assert event["delegated"] == {"daemon": "systemd", "evidence": "asked for by-ring.service"}


def test_unit_that_a_timer_starts(lab: CaptureHarness, tmp_path: Path) -> None:
    with manager(tmp_path) as runtime:
        options = "--user --on-active=1s --timer-property=AccuracySec=1ms"
        session = lab.run(["sh", "-c", f"XDG_RUNTIME_DIR={runtime} systemd-run {options} {MARK} timer"])
        lab.subscriber.closed(session.sid)

    [event] = marks(lab.subscriber.events(session.sid), "timer")
    assert event["delegated"]["evidence"].endswith(".timer")
    assert event["detached"]


def test_unit_that_is_written(lab: CaptureHarness, tmp_path: Path) -> None:
    with manager(tmp_path) as runtime:
        unit = runtime / "systemd" / "user" / "written.service"
        content = f"[Service]\\nType=oneshot\\nExecStart={MARK} written\\n"
        start = f"XDG_RUNTIME_DIR={runtime} systemctl --user start {unit.name}"
        session = lab.run(["sh", "-c", f"mkdir {unit.parent}; printf '{content}' > {unit}; {start}"])
        lab.subscriber.closed(session.sid)

    [event] = marks(lab.subscriber.events(session.sid), "written")
    assert event["delegated"] == {"daemon": "systemd", "evidence": f"wrote {unit}"}


def test_units_of_others_are_not_recorded(lab: CaptureHarness, tmp_path: Path) -> None:
    with manager(tmp_path) as runtime, lab.session(["sleep", "1000"]) as session:
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}
        subprocess.run(["systemd-run", "--user", "--wait", "--quiet", MARK], env=environment, check=True)
        os.kill(session.child.pid, signal.SIGKILL)

    assert {tuple(command["args"]) for command in session.commands} == {("sleep", "1000")}


def test_jobs_keep_their_session_over_a_takeover(lab: CaptureHarness, tmp_path: Path) -> None:
    """One is done while no capture runs, another is written and done for the next."""
    table, done = Path("/etc/cron.d/proctor"), tmp_path / "done"
    session = lab.run(
        ["sh", "-c", f"echo '@reboot root touch {done}; {MARK} meanwhile' > {table}; /bin/true"]
    )
    lab.process.kill()
    with cron(tmp_path):
        until(done.exists, 20, "job")
    lab.process = lab.start_again()
    lab.subscriber.reconnect()

    [event] = until(lambda: marks(lab.subscriber.events(session.sid), "meanwhile"), 20, "event")
    assert event["delegated"]["evidence"] == f"wrote {table}"
    with cron(tmp_path):
        until(lambda: len(marks(lab.subscriber.events(session.sid), "meanwhile")) == 2, 20, "event")
    assert lab.status()["sessions"][session.sid] == "detached"
    table.unlink()
    lab.subscriber.closed(session.sid)


def test_files_that_are_no_jobs_do_not_have_a_job_forgotten(lab: CaptureHarness, tmp_path: Path) -> None:
    """Directories with the names of those of daemons may be anywhere; what does not fit is counted."""
    decoys = tmp_path / "etc/cron.d"
    decoys.mkdir(parents=True)
    flood = f"for number in range(10_000): open('{decoys}/%d' % number, 'w').close()"
    session = lab.run(["sh", "-c", f'echo {MARK} kept | at now; python3 -c "{flood}"'])
    with atd(tmp_path):
        closed = lab.subscriber.closed(session.sid)

    [event] = marks(lab.subscriber.events(session.sid), "kept")
    assert event["delegated"]["daemon"] == "atd"
    assert closed.lost["command"] >= 10_000 - abi.SESSION_JOBS


def test_orders_are_not_forgotten_for_others(lab: CaptureHarness, tmp_path: Path) -> None:
    """Units may be written anywhere, too; what does not fit is counted, and what was there stays."""
    table, decoys = tmp_path / "table", tmp_path / "systemd/user"
    table.write_text(f"@reboot {MARK} stays\n")
    decoys.mkdir(parents=True)
    flood = f"for number in range(10_000): open('{decoys}/%d.service' % number, 'w').close()"

    event = once(lab, tmp_path, f'crontab -u games {table}; python3 -c "{flood}"', "stays")

    assert event["delegated"] == BY_CRON
    subprocess.run(["crontab", "-u", "games", "-r"], check=True)
    closed = lab.subscriber.closed(event["sid"])
    assert closed.lost["command"] >= 10_000 - abi.SESSION_JOBS


def test_table_with_more_lines_than_fit(lab: CaptureHarness) -> None:
    """The session's account says how many will not be known as its own."""
    table = Path("/etc/cron.d/many")
    lines = f"for number in range(9_000): print('0 0 1 1 * root {MARK}', number)"
    session = lab.run(["sh", "-c", f'python3 -c "{lines}" > {table}; /bin/true'])
    table.unlink()
    closed = lab.subscriber.closed(session.sid)

    assert closed.lost["command"] == 9_000 - abi.SESSION_JOBS
    assert assert_balanced(closed.account).lost["jobs"] == {"command": 9_000 - abi.SESSION_JOBS}


FLOOD = f"""
import sys
top, table, pipe = sys.argv[2:]
with open(table, "w") as lines:
    for n in range(10_000):
        match sys.argv[1]:
            case "files":
                open(f"{{top}}/etc/cron.d/{{n}}", "w").close()
            case "units":
                open(f"{{top}}/systemd/user/{{n}}.service", "w").close()
            case "lines":
                print("0 0 1 1 * root {MARK}", n, file=lines)
open(pipe, "w").write("full")
open(pipe).read()
"""


def reported_loss(lab: CaptureHarness, sid: str) -> bool:
    return any(message.lost.get("command") for message in lab.subscriber.of(sid, KernelEvents))


@pytest.mark.parametrize("kind", ["files", "units", "lines"])
def test_a_session_does_not_fill_the_tables_for_others(
    lab: CaptureHarness, tmp_path: Path, kind: str
) -> None:
    """A job of another session is attributed while the first has all that it may have."""
    for directory in ("etc/cron.d", "systemd/user"):
        (tmp_path / directory).mkdir(parents=True)
    decoy_table, table, pipe = Path("/etc/cron.d/decoy"), tmp_path / "table", tmp_path / "pipe"
    table.write_text(f"@reboot {MARK} other\n")
    os.mkfifo(pipe)
    argv = [sys.executable, "-c", FLOOD, kind, str(tmp_path), str(decoy_table), str(pipe)]
    with lab.session(argv) as decoy:
        assert pipe.read_text() == "full"
        try:
            until(lambda: reported_loss(lab, decoy.sid), 20, "loss of the first session")
            event = once(lab, tmp_path, f"crontab -u games {table}", "other")
        finally:
            pipe.write_text("end")
    decoy_table.unlink()
    subprocess.run(["crontab", "-u", "games", "-r"], check=True)

    assert event["delegated"] == BY_CRON
    assert "command" not in lab.subscriber.closed(event["sid"]).lost
    lost = lab.subscriber.closed(decoy.sid).lost["command"]
    assert lost >= 10_000 - abi.SESSION_JOBS - (os.cpu_count() or 1)
