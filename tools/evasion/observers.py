# SPDX-License-Identifier: Apache-2.0
"""The tools that are compared: each runs a technique once, and says what its own output shows of it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import msgspec

from bench.capture.conditions import mount_tracefs
from testing.capture import CaptureHarness
from testing.evasion.catalogue import Technique
from testing.evasion.ground import TechniqueSandbox, ground
from testing.evasion.trial import NOWHERE, attempt
from testing.polling import until
from testing.processes import Process
from tools.evasion import reading

SECONDS = 20.0
STRACE = (
    "strace", "-f", "-v", "-yy", "-s", "4096",
    "-e", "trace=%process,%file,%network,%signal,ptrace,process_vm_writev,process_vm_readv,bpf,init_module,"
    "finit_module,open_by_handle_at,pidfd_send_signal,pidfd_getfd,clock_settime,kexec_load,perf_event_open",
)  # fmt: skip
SNOOP = """
tracepoint:syscalls:sys_enter_exec* { printf("exec "); join(args->argv); }
tracepoint:syscalls:sys_enter_open, tracepoint:syscalls:sys_enter_openat,
tracepoint:syscalls:sys_enter_openat2 { @name[tid] = args->filename; }
tracepoint:syscalls:sys_exit_open, tracepoint:syscalls:sys_exit_openat,
tracepoint:syscalls:sys_exit_openat2 /@name[tid]/
{ printf("open %d %s\\n", args->ret, str(@name[tid])); delete(@name[tid]); }
tracepoint:sock:inet_sock_set_state /args->newstate == 2/ { printf("connect %d\\n", args->dport); }
"""


class Finding(msgspec.Struct, frozen=True):
    """What one tool saw of one technique. ``attributed``: it also says in which session.

    ``blocked``: it does not work where the tool forbids all connections; None when it makes none.
    """

    worked: bool
    seen: bool = False
    attributed: bool = False
    blocked: bool | None = None


class Observer(Protocol):
    """A tool."""

    name: str

    def version(self) -> str:
        """Which one is installed."""

    def observe(self, technique: Technique) -> Finding:
        """Try ``technique`` under it."""


class Proctor:
    """Ours: a session of its own, another one beside it."""

    name = "Proctor"

    def __init__(self, lab: CaptureHarness) -> None:
        """Sessions are opened in ``lab``."""
        self._lab = lab

    def version(self) -> str:
        """The commit."""
        return f"commit {first_line('git', 'rev-parse', '--short', 'HEAD')}"

    def observe(self, technique: Technique) -> Finding:
        """As the test does it."""
        with ground(technique) as place:
            trial = attempt(self._lab, place)
        return Finding(trial.worked, trial.seen, trial.attributed, self._blocks(technique))

    def _blocks(self, technique: Technique) -> bool | None:
        if technique.seen != "connection":
            return None
        with ground(technique) as place:
            return not attempt(self._lab, place, NOWHERE).worked


class Strace:
    """Wraps the session, and so all that it shows is the session's."""

    name = "strace"

    def version(self) -> str:
        """As it says itself."""
        return first_line("strace", "-V").removeprefix("strace -- version ")

    def observe(self, technique: Technique) -> Finding:
        """The technique as strace's child."""
        with ground(technique) as place, TemporaryDirectory() as directory:
            output = Path(directory, "output")
            run(place, [*STRACE, "-o", str(output), *place.argv])
            seen = reading.strace(output.read_text(errors="surrogateescape")).shows(place)
            return Finding(place.worked, seen, attributed=seen)


class Bpftrace:
    """Watches the whole machine; its lines name a process at most."""

    name = "bpftrace"

    def version(self) -> str:
        """As it says itself."""
        return first_line("bpftrace", "--version").removeprefix("bpftrace v")

    def observe(self, technique: Technique) -> Finding:
        """The technique beside it."""
        mount_tracefs()
        with TemporaryDirectory() as directory, ground(technique) as place:
            output = Path(directory, "output")
            watcher = Process(["bpftrace", "-B", "none", "-e", SNOOP], log=output)
            until(lambda: _awake(output), SECONDS, "bpftrace")
            run(place, place.argv)
            watcher.signal(signal.SIGINT)
            watcher.wait()
            shown = reading.bpftrace(output.read_text(errors="replace"))
            return Finding(place.worked, shown.shows(place))


def _awake(output: Path) -> bool:
    """Make something of each kind happen; whether it has been printed before. (BEGIN comes too early.)"""
    subprocess.run(["bash", "-c", ": >/dev/tcp/127.0.0.1/9"], stderr=subprocess.DEVNULL, check=False)
    text = output.read_text(errors="replace")
    return all(f"\n{kind} " in text for kind in ("exec", "open", "connect"))


class Script:
    """Records the terminal: a shell into which shell scripts are typed, other programs named."""

    name = "script"

    def version(self) -> str:
        """As it says itself."""
        return first_line("script", "--version").removeprefix("script from ")

    def observe(self, technique: Technique) -> Finding:
        """Typed when it is a shell script that works so; else run by its name."""
        typed = technique.path.suffix == ".sh"
        finding = self._type(technique, whole=True) if typed else Finding(worked=False)
        return finding if finding.worked else self._type(technique, whole=False)

    def _type(self, technique: Technique, *, whole: bool) -> Finding:
        with ground(technique) as place, TemporaryDirectory() as directory:
            output = Path(directory, "output")
            text = _body(place) if whole else " ".join(place.argv) + "\n"
            run(place, ["script", "-qfc", "bash --norc -i", str(output)], text + "exit\n")
            seen = reading.typescript(output.read_text(errors="replace"), place).shows(place)
            return Finding(place.worked, seen, attributed=seen)


def _body(place: TechniqueSandbox) -> str:
    lines = place.technique.path.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("# "))
    return text.replace("$PORT", str(place.port))


def run(place: TechniqueSandbox, argv: Sequence[str], typed: str = "") -> None:
    """Run ``argv`` at ``place`` until what it leaves behind has done its work; kill it at the deadline."""
    process = subprocess.Popen(
        argv,
        cwd=place.directory,
        env=place.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        process.communicate(typed, SECONDS)
        until(lambda: place.worked, 2, "the technique")
    except (subprocess.TimeoutExpired, TimeoutError):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first_line(*argv: str) -> str:
    """What ``argv`` prints first."""
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()[0]
