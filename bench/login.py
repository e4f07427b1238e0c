# SPDX-License-Identifier: Apache-2.0
"""Login latency: ``ssh host true`` against our node and against OpenSSH's sshd.

Same machine, client, user, shell, user certificate (Ed25519, trusted by both), host certificate (Ed25519);
rounds are paired, and which server goes first changes from round to round.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.report import publish, spread
from testing.cluster import Cluster
from testing.openssh import OpenSsh
from testing.sshserver import OpenSshServer

ROUNDS = 60
WARM_UP = 3


def run(directory: Path, quick: bool) -> None:
    """Measure and publish."""
    cluster = Cluster(directory / "cluster")
    peer = None
    try:
        cluster.start()
        recording = cluster.start_node(name="recording")
        plain = cluster.start_node(name="plain", edit=_without_enhanced_recording)
        account = cluster.add_user("alice")
        account.login()
        peer = OpenSshServer(directory / "sshd", cluster.tctl("auth", "export", "--type=user").stdout)
        commands = {
            "sshd": peer.client(OpenSsh(account, recording)),
            "node": _to_node(OpenSsh(account, recording)),
            "node, enhanced recording off": _to_node(OpenSsh(account, plain)),
        }
        _publish(_measure(commands, 5 if quick else ROUNDS))
    finally:
        if peer is not None:
            peer.stop()
        cluster.stop()


def _without_enhanced_recording(text: str) -> str:
    before, key, after = text.partition("enhanced_recording:")
    return before + key + after.replace("enabled: true", "enabled: false", 1)


def _to_node(client: OpenSsh) -> list[str]:
    return ["ssh", *client.direct, client.host, "true"]


def _measure(commands: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each command, one per round."""
    for argv in commands.values():
        for _ in range(WARM_UP):
            _seconds(argv)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name in random.sample(list(commands), len(commands)):
            seconds[name].append(_seconds(commands[name]))
    return seconds


def _seconds(argv: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return time.perf_counter() - started


def _publish(seconds: dict[str, list[float]]) -> None:
    rows: list[dict[str, Any]] = []
    for name, values in seconds.items():
        ratios = sorted(ours / theirs for ours, theirs in zip(values, seconds["sshd"], strict=True))
        first, ratio, third = statistics.quantiles(ratios, n=4)
        row = {f"{key} ms": value for key, value in spread(values).items()}
        rows.append({"server": name, **row, "ratio": f"{ratio:.2f} ({first:.2f} to {third:.2f})"})
    results = {"unit": "ms", "rounds": len(seconds["sshd"]), "servers": rows, "seconds": seconds}
    publish(
        "login", "Login and `true`: ratio to sshd is the median of paired rounds (quartiles)", rows, results
    )
