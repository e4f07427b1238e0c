# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import uuid
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, Event, cgroup_mount
from testing.polling import until

MARK = "/bin/echo"


def marks(events: list[Event]) -> list[str]:
    return [
        event["argv"][0] for event in events if event["event"] == "session.command" and event["path"] == MARK
    ]


def session_cgroup() -> Path:
    """That of the calling process."""
    return cgroup_mount() / Path("/proc/self/cgroup").read_text().split("::")[1].strip().lstrip("/")


def fork_exec(*args: str) -> None:
    pid = os.fork()
    if pid == 0:
        os.execv(MARK, ["echo", *args])
    os.waitpid(pid, 0)


def test_children_of_children(lab: CaptureHarness) -> None:
    session = lab.run(["sh", "-c", "(((( /bin/echo deep ))))"])

    assert marks(session.commands) == ["deep"]


def test_double_fork_and_setsid(lab: CaptureHarness) -> None:
    def daemonise() -> None:
        read, write = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                fork_exec("daemon")
            os._exit(0)
        os.close(write)
        os.read(read, 1)

    session = lab.run(daemonise)

    assert marks(session.commands) == ["daemon"]


def test_nested_cgroup(lab: CaptureHarness) -> None:
    def nested() -> None:
        inner = lab.tree.root / "inner"
        inner.mkdir()
        (inner / "cgroup.procs").write_text("0")
        fork_exec("nested")

    session = lab.run(nested)
    (lab.tree.root / "inner").rmdir()

    assert marks(session.commands) == ["nested"]


def test_moved_to_the_root_cgroup(lab: CaptureHarness) -> None:
    def escape() -> None:
        (cgroup_mount() / "cgroup.procs").write_text("0")
        fork_exec("escaped")

    session = lab.run(escape)

    [event] = [command for command in session.commands if command["path"] == MARK]
    assert event["argv"] == ["escaped"]
    assert event["cgroup_id"] != session.cgroup.id


def test_leaving_the_cgroup_is_an_escape(lab: CaptureHarness) -> None:
    elsewhere = cgroup_mount() / "proctor-elsewhere" / "deeper"
    elsewhere.mkdir(parents=True, exist_ok=True)

    session = lab.run(lambda: (elsewhere / "cgroup.procs").write_text("0"), ["command"])

    [escape] = session.events("session.escape")
    assert escape["cgroup"] == "/proctor-elsewhere/deeper"
    assert (escape["pid"], escape["by_pid"]) == (session.child.pid, session.child.pid)
    assert escape["cgroup_id"] == elsewhere.stat().st_ino
    elsewhere.rmdir()
    elsewhere.parent.rmdir()


def test_being_moved_by_another_is_an_escape(lab: CaptureHarness) -> None:
    with lab.session(["sleep", "1000"], ["command"]) as session:
        until(lambda: session.lab.subscriber.events(session.sid), 10, "exec")
        (cgroup_mount() / "cgroup.procs").write_text(str(session.child.pid))
        os.kill(session.child.pid, signal.SIGKILL)

    [escape] = session.events("session.escape")
    assert escape["cgroup"] == "/"
    assert (escape["pid"], escape["by_pid"]) == (session.child.pid, os.getpid())
    assert escape["program"] == "sleep"


def test_a_child_made_elsewhere_is_an_escape(lab: CaptureHarness) -> None:
    def clone_into_root() -> None:
        root = os.open(cgroup_mount(), os.O_RDONLY | os.O_DIRECTORY)
        arguments = (ctypes.c_uint64 * 11)(0x200000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, root)
        if ctypes.CDLL(None).syscall(435, arguments, ctypes.sizeof(arguments)) == 0:
            os.execv(MARK, ["echo", "made elsewhere"])
        os.wait()

    session = lab.run(clone_into_root, ["command"])

    [escape] = session.events("session.escape")
    assert (escape["cgroup"], escape["by_pid"]) == ("/", session.child.pid)
    assert escape["pid"] != session.child.pid
    assert marks(session.events()) == ["made elsewhere"]


def test_a_cgroup_below_is_no_escape(lab: CaptureHarness) -> None:
    def go_deeper() -> None:
        inner = session_cgroup() / "inner"
        inner.mkdir()
        (inner / "cgroup.procs").write_text("0")
        fork_exec("inside")
        (inner.parent / "cgroup.procs").write_text("0")
        inner.rmdir()

    session = lab.run(go_deeper, ["command"])

    assert marks(session.events()) == ["inside"]
    assert session.events("session.escape") == []


@pytest.mark.parametrize(
    "kind", ["--user", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--time"]
)
def test_every_kind_of_namespace(lab: CaptureHarness, kind: str) -> None:
    session = lab.run(["unshare", "--fork", kind, MARK, "inside"], ["command"])

    assert marks(session.commands) == ["inside"]


def test_chroot(lab: CaptureHarness) -> None:
    def change_root() -> None:
        os.chroot("/usr")
        os.execv("/bin/echo", ["echo", "rooted"])

    [event] = lab.run(change_root, ["command"]).commands

    assert (event["argv"], event["exe"]) == (["rooted"], "/usr/bin/echo")


def test_another_user(lab: CaptureHarness) -> None:
    session = lab.run(["su", "-s", "/bin/sh", "nobody", "-c", f"{MARK} other"], ["command"])

    [event] = [event for event in session.commands if event["argv"] == ["other"]]
    assert event["process_uid"] == 65534


def test_namespaces(lab: CaptureHarness) -> None:
    session = lab.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount", MARK, "inside"])

    assert marks(session.commands) == ["inside"]


def test_threads(lab: CaptureHarness) -> None:
    def many() -> None:
        threads = [threading.Thread(target=fork_exec, args=(str(number),)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    session = lab.run(many)

    assert sorted(marks(session.commands)) == [str(number) for number in range(8)]


def test_processes_outside_are_never_recorded(lab: CaptureHarness) -> None:
    secret = str(uuid.uuid4())

    with lab.session(["sh", "-c", "/bin/echo inside; read unused"]) as session:
        for _ in range(20):
            subprocess.run([MARK, secret], check=True, stdout=subprocess.DEVNULL)
            Path("/etc/hostname").read_text()

    events = session.events()
    assert secret not in str(events)
    assert {event["cgroup_id"] for event in events} == {session.cgroup.id}


def test_parallel_sessions_never_mix(lab: CaptureHarness) -> None:
    def work(name: str) -> list[str]:
        return ["sh", "-c", f"for i in $(seq 100); do /bin/echo {name}; cat /dev/null; done"]

    with lab.session(work("left")) as left, lab.session(work("right")) as right:
        pass

    assert marks(left.events()) == ["left"] * 100
    assert marks(right.events()) == ["right"] * 100
    assert {event["cgroup_id"] for event in left.events()} == {left.cgroup.id}
    assert {event["cgroup_id"] for event in right.events()} == {right.cgroup.id}


def test_programs_are_attached_while_a_session_is_open(lab: CaptureHarness) -> None:
    until(lambda: not lab.status()["attached"], 10, "detached before")
    with lab.session(["/bin/true"]) as first, lab.session(["/bin/true"]):
        assert lab.status()["attached"]
    lab.subscriber.closed(first.sid)

    until(lambda: not lab.status()["attached"], 10, "detached after")


def test_process_that_outlives_the_session(lab: CaptureHarness, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    session = lab.run(["sh", "-c", f"/bin/echo before; (trap '' HUP; read line < {pipe}; /bin/echo after) &"])

    assert marks(session.events()) == ["before"]
    assert lab.status()["sessions"][session.sid] == "detached"
    with pipe.open("w") as writer:
        writer.write("go\n")
    lab.subscriber.closed(session.sid)

    late = [event for event in lab.subscriber.events(session.sid) if event.get("detached")]
    assert "after" in marks(late)
    assert not session.cgroup.path.exists()


def test_escaped_process_keeps_the_session_open(lab: CaptureHarness, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    root = cgroup_mount() / "cgroup.procs"
    session = lab.run(["sh", "-c", f"echo 0 > {root}; (read line < {pipe}; /bin/echo escaped) &"])

    assert lab.status()["sessions"][session.sid] == "detached"
    with pipe.open("w") as writer:
        writer.write("go\n")
    lab.subscriber.closed(session.sid)

    assert marks(lab.subscriber.events(session.sid)) == ["escaped"]
