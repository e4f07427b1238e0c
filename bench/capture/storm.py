# SPDX-License-Identifier: Apache-2.0
"""Opened files as fast as two processes can make them, until all are in a record and in the audit log."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench import rig
from bench.capture.conditions import BPFTRACE_COMMAND, STRACE, mount_tracefs
from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.polling import until
from testing.processes import Process

PATH, PORT = "/etc/hostname", 9
_SOURCE = Path(__file__).with_suffix(".c")
_TICK = os.sysconf("SC_CLK_TCK")


def storm_program(directory: Path) -> Path:
    """A program that opens PATH, executes itself or connects to PORT as often as its arguments say."""
    program = directory / "storm"
    goals = (f'-DPATH="{PATH}"', f"-DPORT={PORT}")
    subprocess.run(["cc", "-O2", *goals, str(_SOURCE), "-o", str(program)], check=True)
    return program


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that processes have used so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICK


def _row(consumer: str, made: int, stored: int, lost: int, seconds: float, cpu: float) -> dict[str, Any]:
    return {
        "consumer": consumer,
        "made": made,
        "stored": stored,
        "lost and counted": lost,
        "unaccounted": made - stored - lost,
        "events/s": round(stored / seconds),
        "CPU s per million": round(cpu / made * 1e6, 2),
    }


def ours(directory: Path, program: Path, opens: int) -> dict[str, Any]:
    """A node and an auth service, until everything is in the audit log."""
    half = f"{program} open {opens // 2}"
    with rig.running(directory / "cluster") as (cluster, node, account):
        return _ours(cluster, node, account, f"{half} & {half}; wait", opens)


def _ours(cluster: Cluster, node: Node, account: Account, script: str, opens: int) -> dict[str, Any]:
    pids = [node.pid_of("capture"), node.pid_of("node"), cluster.control.pid_of("auth")]
    before, started = cpu_seconds(pids), time.perf_counter()
    account.tsh("ssh", f"root@{node.name}", script, seconds=600)
    log = (cluster.control.data_dir / "log/events.log").resolve()
    until(lambda: b'"event":"session.end"' in tail(log), 600, "the end of the session in the audit log")
    seconds, cpu = time.perf_counter() - started, cpu_seconds(pids) - before
    (begun,) = cluster.events("session.start")
    events = cluster.session_events(begun["sid"], "session.disk", seconds=600)
    stored = sum(event["path"] == PATH for event in events)
    lost = sum(entry["lost"].get("disk", 0) for entry in cluster.events("session.loss", sid=begun["sid"]))
    return _row("proctor, to record and audit log", opens, stored, lost, seconds, cpu)


def tail(path: Path) -> bytes:
    """The last lines: to read all while they are being written would slow their writer down."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65536))
        return file.read()


def _raw(program: Path, opens: int) -> list[subprocess.Popen[bytes]]:
    return [subprocess.Popen([str(program), "open", str(opens // 2)]) for _ in range(2)]


def bpftrace(directory: Path, program: Path, opens: int) -> dict[str, Any]:
    """One line for each open into a file."""
    mount_tracefs()
    log, errors = directory / "storm-bpftrace.log", re.compile(r"Lost (\d+) events")
    script = (
        f'tracepoint:syscalls:sys_enter_openat /comm == "{program.name}"/ '
        '{ printf("%d %s open %s\\n", pid, comm, str(args->filename)); } BEGIN { printf("ready\\n"); }'
    )
    tracer = Process([*BPFTRACE_COMMAND, script], log=log)
    try:
        tracer.wait_output("ready")
        before, started = cpu_seconds([tracer.pid]), time.perf_counter()
        for process in _raw(program, opens):
            process.wait()
        until(_settled(log), 120, "bpftrace's output")
        seconds, cpu = time.perf_counter() - started, cpu_seconds([tracer.pid]) - before
    finally:
        tracer.stop()
    text = tracer.output()
    stored = sum(line.endswith(f"open {PATH}") for line in text.splitlines())
    return _row("bpftrace, to a file", opens, stored, sum(map(int, errors.findall(text))), seconds, cpu)


def _settled(path: Path) -> Callable[[], bool]:
    sizes = [-1]

    def unchanged() -> bool:
        sizes.append(path.stat().st_size)
        return len(sizes) > 20 and len(set(sizes[-20:])) == 1

    return unchanged


def strace(directory: Path, program: Path, opens: int) -> dict[str, Any]:
    """One line for each open into a file; it makes the program wait, so nothing is lost."""
    output = directory / "storm-strace.out"
    script = f"{program} open {opens // 2} & {program} open {opens // 2}; wait"
    before, started = os.times(), time.perf_counter()
    subprocess.run([*STRACE, "-o", str(output), "sh", "-c", script], check=True)
    seconds, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    with output.open() as lines:
        stored = sum(f'"{PATH}"' in line for line in lines)
    return _row("strace -f, to a file (CPU with the program)", opens, stored, 0, seconds, cpu)


def run(directory: Path, *, opens: int) -> list[dict[str, Any]]:
    """A row for each consumer that is there; slow ones get fewer opens."""
    program = storm_program(directory)
    rows = [ours(directory, program, opens)]
    if shutil.which("bpftrace"):
        rows.append(bpftrace(directory, program, opens // 4))
    if shutil.which("strace"):
        rows.append(strace(directory, program, opens // 20))
    return rows
