# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import ctypes
import os
import pty
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proctor.capture.kernel.filters import Rules
from proctor.capture.kernel.loader import RingSizes
from proctor.captureproto.byte_text import to_bytes
from testing.capture import CaptureHarness, Event, running_lab

EACCES, ENOENT, ENOEXEC = 13, 2, 8
OPENER_32 = """
static int call(int number, const void *first, int second, int third)
{
	int result;
	__asm__ volatile("int $0x80" : "=a"(result)
		: "a"(number), "b"(first), "c"(second), "d"(third) : "memory");
	return result;
}
void _start(void)
{
	int opened = call(5, "/etc/hostname", 0, 0) >= 0 && call(295, (void *)-100, (int)"/etc/hostname", 0) >= 0;
	call(1, (void *)(opened ? 0 : 1), 0, 0);
}
"""


def succeeded(commands: list[Event]) -> list[Event]:
    return [command for command in commands if command["return_code"] == 0]


def test_first_exec_is_recorded(lab: CaptureHarness) -> None:
    session = lab.run(["/bin/echo", "one", "two three"])

    [echo] = session.commands
    assert echo["path"] == "/bin/echo"
    assert echo["argv"] == ["one", "two three"]
    assert echo["args"] == ["/bin/echo", "one", "two three"]
    assert echo["program"] == "echo"
    assert echo["exe"] == str(Path("/bin/echo").resolve())
    assert echo["cwd"] == str(Path.cwd())
    assert echo["ppid"] == os.getpid()
    assert echo["cgroup_id"] == session.cgroup.id
    assert (echo["return_code"], echo["process_uid"], echo["process_euid"]) == (0, 0, 0)


def test_all_arguments_whole(tmp_path: Path) -> None:
    arguments = [f"argument number {number}" for number in range(3000)] + ["x" * 100_000]

    with running_lab(tmp_path, RingSizes(4 << 20, 1 << 20, 1 << 20)) as lab:
        session = lab.run(["/bin/true", *arguments])

    [true] = session.commands
    assert true["argv"] == arguments
    assert "truncated" not in true


def test_arguments_larger_than_the_ring_are_cut_not_lost(lab: CaptureHarness) -> None:
    argument = "y" * 100_000

    session = lab.run(["/bin/true", "first", argument])

    [true] = session.commands
    assert true["truncated"] == ["args"]
    first, cut = true["argv"]
    assert first == "first"
    assert len(cut) > 4000
    assert argument.startswith(cut)


def test_arguments_that_are_not_text(lab: CaptureHarness) -> None:
    raw = b"caf\xe9 \\ \xff\xfe"

    session = lab.run(lambda: os.execv("/bin/true", [b"true", raw, "žluťoučký".encode()]))

    [true] = session.commands
    assert to_bytes(true["argv"][0]) == raw
    assert true["argv"][1] == "žluťoučký"


def test_script_and_what_it_runs(lab: CaptureHarness, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\n/bin/true in script\n")
    script.chmod(0o755)

    session = lab.run(["sh", "-c", f"cd {tmp_path} && ./script.sh argument"])

    _, ran, inner = succeeded(session.commands)
    assert ran["path"] == str(script)
    assert ran["interpreter"] == "/bin/sh"
    assert ran["exe"] == str(Path("/bin/sh").resolve())
    assert ran["args"] == ["/bin/sh", "./script.sh", "argument"]
    assert inner["argv"] == ["in", "script"]
    assert inner["ppid"] == ran["pid"]


@pytest.mark.parametrize(
    ("content", "mode", "code"), [(None, 0, -ENOENT), ("", 0o600, -EACCES), ("\x7fELF", 0o700, -ENOEXEC)]
)
def test_failed_exec(lab: CaptureHarness, tmp_path: Path, content: str | None, mode: int, code: int) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_text(content)
        program.chmod(mode)

    def fail() -> None:
        try:
            os.execv(program, ["program", "a", "b c"])
        except OSError:
            os._exit(7)

    session = lab.run(fail)

    [failed] = session.commands
    assert session.status == 7
    assert failed["path"] == str(program)
    assert failed["argv"] == ["a", "b c"]
    assert failed["return_code"] == code
    assert failed["program"] == Path(f"/proc/{os.getpid()}/comm").read_text().strip()


def test_long_argument_of_a_failed_exec_is_cut_not_dropped(lab: CaptureHarness) -> None:
    argument = "y" * 100_000

    def fail() -> None:
        with contextlib.suppress(OSError):
            os.execv("/absent", ["absent", "first", argument, "last"])

    session = lab.run(fail)

    [failed] = session.commands
    first, cut = failed["argv"]
    assert failed["truncated"] == ["args"]
    assert first == "first"
    assert len(cut) > 1000
    assert argument.startswith(cut)


def test_loader_variables_and_no_others(lab: CaptureHarness) -> None:
    environment = {"SECRET": "hidden", "LD_LIBRARY_PATH": "/lib:" + "d" * 600, "A": "LD_NOT=1", "LD_X": "1"}

    session = lab.run(lambda: os.execve("/bin/true", ["true"], environment))

    [true] = session.commands
    assert true["env"] == {name: environment[name] for name in ("LD_LIBRARY_PATH", "LD_X")}
    assert "hidden" not in str(true)


def test_configured_variables(tmp_path: Path) -> None:
    environment = {
        "SECRET": "hidden",
        "LD_X": "1",
        "PYTHONPATH": "/p",
        "BASH": "no",
        "BASH_ENV": "/e",
        "ENV": "x",
    }
    rules = Rules(environment=("PYTHON*", "BASH_ENV"))

    with running_lab(tmp_path, rules=rules) as lab:
        session = lab.run(lambda: os.execve("/bin/true", ["true"], environment))

    [true] = session.commands
    assert true["env"] == {name: environment[name] for name in ("LD_X", "PYTHONPATH", "BASH_ENV")}


def test_terminal(lab: CaptureHarness) -> None:
    leader, terminal = pty.openpty()
    name = os.ttyname(terminal)

    def with_terminal() -> None:
        os.login_tty(terminal)
        os.execv("/bin/true", ["true"])

    session = lab.run(with_terminal)

    os.close(leader)
    os.close(terminal)
    assert session.commands[0]["tty"] == name


def test_program_without_a_name(lab: CaptureHarness) -> None:
    def from_memory() -> None:
        memory = os.memfd_create("hidden", 0)
        os.write(memory, Path("/bin/true").read_bytes())
        os.execve(memory, ["innocent"], {})

    session = lab.run(from_memory)

    [program] = session.commands
    assert program["exe"] == "memfd:hidden (deleted)"
    assert program["exe_state"] == "memfd"
    assert program["args"] == ["innocent"]


def test_program_that_was_deleted(lab: CaptureHarness, tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy("/bin/true", program)

    def run() -> None:
        descriptor = os.open(program, os.O_RDONLY)
        program.unlink()
        os.execve(descriptor, ["true"], {})

    [event] = lab.run(run).commands
    assert (event["exe"], event["exe_state"]) == (f"{program} (deleted)", "deleted")


def test_dynamic_linker_as_the_program(lab: CaptureHarness) -> None:
    [linker] = [str(path) for path in Path("/lib64").glob("ld-linux-x86-64.so.*")]

    session = lab.run([linker, "/bin/echo", "hidden"])

    [event] = session.commands
    assert event["exe_state"] == "linker"
    assert event["argv"] == ["/bin/echo", "hidden"]
    assert str(Path("/bin/echo").resolve()) in [opened["path"] for opened in session.opens]


def execveat(directory: int, name: bytes, flags: int) -> None:
    """Execute with one argument."""
    libc = ctypes.CDLL(None)
    arguments = (ctypes.c_char_p * 3)(name, b"x", None)
    libc.syscall(322, directory, name, arguments, None, flags)
    os._exit(7)


def test_execveat(lab: CaptureHarness) -> None:
    session = lab.run(lambda: execveat(os.open("/bin", os.O_PATH), b"true", 0))

    [event] = session.commands
    assert event["exe"] == str(Path("/bin/true").resolve())
    assert event["argv"] == ["x"]


@pytest.mark.parametrize(
    ("opened", "name", "flags", "path"),
    [
        ("/usr/lib", b"nothing/here", 0, "/usr/lib/nothing/here"),
        ("/usr/lib", b"/no/such", 0, "/no/such"),
        ("/etc/hostname", b"", 0x1000, "/etc/hostname"),
    ],
)
def test_failed_execveat_is_resolved(
    lab: CaptureHarness, opened: str, name: bytes, flags: int, path: str
) -> None:
    session = lab.run(lambda: execveat(os.open(opened, os.O_PATH), name, flags))

    [event] = session.commands
    assert (event["path"], event["argv"]) == (path, ["x"])
    assert event["return_code"] < 0


@pytest.mark.parametrize("program", [b"/bin/true", b"/nowhere"])
def test_empty_strings_hide_nothing(lab: CaptureHarness, program: bytes) -> None:
    def execute() -> None:
        arguments = (ctypes.c_char_p * 4)(b"", b"", b"last", None)
        variables = (ctypes.c_char_p * 3)(b"", b"LD_BIND_NOW=1", None)
        ctypes.CDLL(None).syscall(59, program, arguments, variables)

    [event] = lab.run(execute).commands

    assert event["argv"] == ["", "last"]
    assert event.get("env") == ({"LD_BIND_NOW": "1"} if event["return_code"] == 0 else None)


def test_32_bit_program(lab: CaptureHarness, tmp_path: Path) -> None:
    source, program = tmp_path / "small.c", tmp_path / "small"
    source.write_text(OPENER_32)
    compiled = ["gcc", "-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie", "-O1"]
    subprocess.run([*compiled, "-o", program, source], check=True)

    session = lab.run([str(program), "argument"])

    assert session.status == 0
    [event] = session.commands
    assert (event["exe"], event["argv"]) == (str(program), ["argument"])
    assert [opened["path"] for opened in session.opens] == ["/etc/hostname"] * 2


def test_exec_by_a_thread(lab: CaptureHarness) -> None:
    def in_thread() -> None:
        thread = threading.Thread(target=os.execv, args=("/bin/echo", ["echo", "thread"]))
        thread.start()
        thread.join()

    session = lab.run(in_thread)

    [echo] = session.commands
    assert echo["argv"] == ["thread"]
    assert echo["pid"] == session.child.pid


def test_vfork(lab: CaptureHarness) -> None:
    session = lab.run(
        [sys.executable, "-c", "import os; os.posix_spawn('/bin/echo', ['echo', 'spawned'], {})"]
    )

    assert ["spawned"] in [command["argv"] for command in session.commands]


def test_identity_of_the_process(lab: CaptureHarness) -> None:
    def unprivileged() -> None:
        os.setresuid(65534, 65534, 0)
        os.execv("/bin/true", ["true"])

    session = lab.run(unprivileged)

    [true] = session.commands
    assert (true["process_uid"], true["process_euid"]) == (65534, 65534)


def test_only_the_kinds_asked_for(lab: CaptureHarness) -> None:
    session = lab.run(["/bin/cat", "/etc/hostname"], ["command"])

    assert {event["event"] for event in session.events()} == {"session.command"}


def test_name_of_a_program_from_prctl(lab: CaptureHarness) -> None:
    def renamed() -> None:
        ctypes.CDLL(None).prctl(15, b"disguise")
        os.execv("/bin/true", ["true"])

    assert lab.run(renamed).commands[0]["program"] == "true"
