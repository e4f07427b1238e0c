# SPDX-License-Identifier: Apache-2.0
"""What becomes of each kernel event of a storm, from the kernel to the audit log.

Every row is a session of its own on a cluster of its own. Two processes do one kind of action as fast as
they can; then the session's ``session.ledger`` is compared with what the audit log has. SystemExit when
something is unaccounted for, or when a strict session has lost anything.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench import rig
from bench.capture import storm
from bench.report import publish
from proctor.model.resources import ENHANCED_KINDS
from testing.accounts import Account
from testing.cluster import Cluster, Event, Node
from testing.polling import until

MODES = ("strict", "best_effort")
_STOPPED_SECONDS = 4
_REMARK = re.compile(r"^\[.*(?:account|held|lost).*\]$")


@dataclass(frozen=True)
class Storm:
    """``number`` actions, each of which is an event; the node is ``stopped`` in the middle, or not."""

    action: str
    number: int
    stopped: bool = False

    @property
    def title(self) -> str:
        """What its row is called."""
        return f"{self.action}, node stopped for {_STOPPED_SECONDS} s" if self.stopped else self.action


class _Entry(msgspec.Struct):
    event: str
    sid: str = ""
    path: str = ""
    args: list[str] = []
    dst_port: int = 0


def storms(part: int) -> list[Storm]:
    """The storms, each a ``part``-th of its full length."""
    return [
        Storm("open", 400_000 // part),
        Storm("execute", 10_000 // part),
        Storm("connect", 100_000 // part),
        Storm("open", 1_000_000 // part, stopped=True),
    ]


def run(directory: Path, quick: bool) -> None:
    """Run all storms in both modes, check the accounts, publish."""
    directory.chmod(0o755)
    program = storm.storm_program(directory)
    rows, remarks = [], []
    for number, (what, mode) in enumerate(
        (what, mode) for what in storms(50 if quick else 1) for mode in MODES
    ):
        with rig.running(directory / str(number), mode) as (cluster, node, account):
            ledger = _weather(cluster, node, account, _script(program, what), what)
            rows.append(_row(what, mode, ledger, _count(cluster, ledger["sid"], program)))
            if what.stopped:
                remarks.append(f"{what.title}, {mode}:\n\n```\n{_played(account, ledger['sid'])}\n```")
    publish(
        "ledger",
        "The account after each storm",
        rows,
        {"storms": rows},
        "What `tsh play` says of the sessions whose node was stopped:\n\n" + "\n\n".join(remarks),
    )
    _check(rows)


def _script(program: Path, what: Storm) -> str:
    half = f"{program} {what.action} {what.number // 2}"
    return f"PS1='$ '; echo be''gun; {half} & {half}; wait; exit"


def _weather(cluster: Cluster, node: Node, account: Account, script: str, what: Storm) -> Event:
    """Run a storm in a terminal; its session's account, when the audit log is complete."""
    with account.terminal("ssh", f"root@{node.name}") as terminal:
        terminal.line(script)
        terminal.expect("begun")
        if what.stopped:
            _stop(node.pid_of("node"))
        terminal.wait(600)
    log = (cluster.control.data_dir / "log/events.log").resolve()
    until(lambda: b'"event":"session.end"' in storm.tail(log), 600, "the session's end in the audit log")
    until(lambda: b'"event":"session.upload"' in log.read_bytes(), 60, "the whole recording")
    lines = log.read_bytes().splitlines()
    (ledger,) = [msgspec.json.decode(line) for line in lines if b'"event":"session.ledger"' in line]
    return dict(ledger)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(_STOPPED_SECONDS)
    os.kill(pid, signal.SIGCONT)


def _count(cluster: Cluster, sid: str, program: Path) -> Counter[str]:
    """Kernel events of a session in the audit log by kind; those of the storm itself as ``logged``."""
    found: Counter[str] = Counter()
    decoder = msgspec.json.Decoder(_Entry)
    with (cluster.control.data_dir / "log/events.log").open("rb") as lines:
        for entry in map(decoder.decode, lines):
            kind = entry.event.removeprefix("session.")
            if entry.sid == sid and kind in ENHANCED_KINDS:
                found[kind] += 1
                found["logged"] += (
                    entry.path == storm.PATH or entry.dst_port == storm.PORT or "none" in entry.args
                )
    return found


def _row(what: Storm, mode: str, ledger: Event, logged: Counter[str]) -> dict[str, Any]:
    ledger = Event(lost={}, filtered={}, freezes=0) | ledger
    lost = {stage: sum(kinds.values()) for stage, kinds in ledger["lost"].items()}
    gone, submitted, filtered = (
        sum(values.values()) for values in (lost, ledger["submitted"], ledger["filtered"])
    )
    kept = logged.total() - logged["logged"]
    return {
        "storm": what.title,
        "mode": mode,
        "made": what.number,
        "logged": logged["logged"],
        "submitted": submitted,
        "in the audit log": kept,
        "filtered": filtered,
        "lost and counted": ", ".join(f"{number} ({stage})" for stage, number in lost.items()) or 0,
        "held": f"{ledger['freezes']} times, {ledger['frozen_ms']} ms" if ledger["freezes"] else "no",
        "unaccounted": max(submitted - kept - filtered - gone, what.number - logged["logged"] - gone),
    }


def _played(account: Account, sid: str) -> str:
    shown = account.tsh("play", "--speed=8x", "--skip-idle-time", sid, seconds=100)
    lines = (line.strip() for line in (shown.stdout + shown.stderr).splitlines())
    return "\n".join(line for line in lines if _REMARK.match(line))


def _check(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["unaccounted"] or (row["mode"] == "strict" and row["lost and counted"]):
            raise SystemExit(f"the account does not hold: {row}")
