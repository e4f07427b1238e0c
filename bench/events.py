# SPDX-License-Identifier: Apache-2.0
"""Events per second from a session into the audit log, and what becomes of each.

A loop in one session makes a known number of commands or opened files. Every one must be in the audit log
or in a count of losses.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import rig
from bench.report import publish
from testing.accounts import Account
from testing.cluster import Cluster, Event, Node


@dataclass(frozen=True)
class Load:
    """A loop that makes ``number`` events of one kind."""

    title: str
    event: str
    number: int
    script: str
    made: Callable[[Event], bool]


def loads(scale: int) -> list[Load]:
    """The loops, ``scale`` times as long as the shortest that makes sense."""
    commands, files = 100 * scale, 1000 * scale
    loop = f"i=0; while [ $i -lt {commands} ]; do /bin/true; i=$((i+1)); done"
    opens = f"import os\nfor _ in range({files}): os.close(os.open('/etc/hostname', 0))"
    return [
        Load("commands", "session.command", commands, loop, lambda event: event["path"] == "/bin/true"),
        Load(
            "opened files",
            "session.disk",
            files,
            f'/usr/bin/python3 -S -c "{opens}"',
            lambda event: event["path"] == "/etc/hostname",
        ),
    ]


def run(directory: Path, quick: bool) -> None:
    """Measure and publish."""
    with rig.running(directory / "cluster") as (cluster, node, account):
        rows = [_measure(cluster, node, account, load) for load in loads(1 if quick else 50)]
    publish("events", "From a session's kernel events into the audit log", rows, {"loads": rows})


def _measure(cluster: Cluster, node: Node, account: Account, load: Load) -> dict[str, Any]:
    """Run one load by itself, then in a session of its own, and count what arrived."""
    started = time.perf_counter()
    subprocess.run(["/bin/bash", "-c", load.script], check=True, timeout=600)
    alone = time.perf_counter() - started
    started = time.perf_counter()
    known = {event["sid"] for event in cluster.events("session.start")}
    account.tsh("ssh", f"root@{node.name}", load.script, seconds=600)
    ran = time.perf_counter() - started
    (sid,) = {event["sid"] for event in cluster.events("session.start")} - known
    events = cluster.session_events(sid, load.event, seconds=600)
    arrived = time.perf_counter() - started
    stored = [event for event in events if load.made(event)]
    lost = _lost(cluster, sid, load.event)
    return {
        "load": load.title,
        "made": load.number,
        "in the audit log": len(stored),
        "lost and counted": lost,
        "unaccounted": load.number - len(stored) - lost,
        "by itself s": round(alone, 2),
        "in a session s": round(ran, 2),
        "ratio": round(ran / alone, 2),
        "stored s": round(arrived, 2),
        "events/s": round(len(stored) / arrived),
    }


def _lost(cluster: Cluster, sid: str, event: str) -> int:
    """Events of one kind that the record of a session says were lost."""
    kind = event.removeprefix("session.")
    entries = cluster.events("session.loss", sid=sid)
    return sum(entry["lost"].get(kind, 0) for entry in entries)
