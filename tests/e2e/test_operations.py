# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md, command by command, on a cluster of real processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from testing.cluster import Cluster
from testing.commands import ROOT
from testing.polling import until
from tests.e2e.conftest import MakeCluster

PAGE = ROOT / "docs/operations.md"
BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every line of the page's blocks of commands, in order."""
    lines = [line.strip() for match in BLOCK.finditer(PAGE.read_text()) for line in match[2].splitlines()]
    return [line for line in lines if line]


class Operator:
    """Somebody on the auth host, who types what the page says; paths are those of the test."""

    def __init__(self, cluster: Cluster, place: Path) -> None:
        self._cluster = cluster
        self._place = place

    def type(self, line: str) -> str:
        """Run one line in a shell; what it prints."""
        config = self._cluster.control.config
        line = re.sub(
            r"\btctl\b(.*?)(?=$|\|)", rf"tctl\1 -c {config} ", line.replace("/srv/backup", str(self._place))
        )
        done = subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", line], env=self._cluster.control.env,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout


def test_the_page_from_disk_use_to_restore(make_cluster: MakeCluster, tmp_path: Path) -> None:
    cluster = make_cluster()
    alice = cluster.add_user("alice")
    alice.login()
    place = tmp_path / "backup"
    place.mkdir()
    operator = Operator(cluster, place)
    *before, last = commands()
    assert last.startswith("zcat ")
    printed = {line: operator.type(line) for line in before}
    assert "Audit log kept   for ever" in printed["tctl storage"]
    assert printed["tctl retention run --dry-run"].strip() == "nothing is due"
    assert {path.name for path in place.iterdir()} == {"teleport.tar", "teleport.tar.gz", "today"}

    uids = {event["uid"] for event in cluster.events()}
    cluster.control.stop()
    data = cluster.control.data_dir
    data.rename(tmp_path / "former")
    assert "Now start teleport" in operator.type(last)
    cluster.control.start()
    if os.geteuid() == 0:
        log = next((data / "log").glob("*-*-*-*-*"))
        owners = {path.stat().st_uid for path in (*(data / "backend").rglob("*"), *log.rglob("*"))}
        assert owners == {(data / "backend").stat().st_uid} != {0}
        assert "had other owners" in cluster.control.log
    lines = [line for path in data.glob("log/*-*/*.log") for line in path.read_bytes().splitlines()]
    stored = {json.loads(line)["uid"] for line in lines}
    assert {event["uid"] for event in cluster.events() if event["event"] == "user.create"} <= stored
    assert len(stored & uids) > 3
    alice.login()  # with the password and second factor from before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: services have accounts of their own")
def test_a_copy_that_belongs_to_root_starts(make_cluster: MakeCluster, tmp_path: Path) -> None:
    cluster = make_cluster()
    alice = cluster.add_user("alice")
    cluster.control.stop()
    data = cluster.control.data_dir
    data.rename(tmp_path / "former")
    shutil.copytree(tmp_path / "former", data, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    assert (data / "backend/state.sqlite").stat().st_uid == 0
    cluster.control.start()
    until(lambda: cluster.control.readiness()[0] == 200, 20)
    alice.login()
