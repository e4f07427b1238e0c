# SPDX-License-Identifier: Apache-2.0
"""The rights of each running process are those of the table in docs/threat-model.md; sessions have sshd's."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from proctor.runtime.privileges.capabilities import names
from testing.accounts import Account
from testing.cluster import Cluster, Node, Service
from testing.commands import ROOT
from testing.node import ordinary_login
from testing.sessions import ShellSession

TABLE = ROOT / "docs/threat-model.md"


class Rights(NamedTuple):
    """As the table shows them; ``programs``: what the bounding set has."""

    capabilities: frozenset[str]
    programs: str
    no_new_privs: bool
    seccomp: bool


def documented() -> dict[str, Rights]:
    """The table, by process."""
    section = TABLE.read_text().split("## What each process may do")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| ") and not line.startswith("| process")
    ]
    return {
        name: Rights(frozenset(re.findall(r"`(\w+)`", row[1])), row[2], row[3] == "yes", row[4] == "yes")
        for row in rows
        for name in row[0].partition(" (")[0].split(", ")
    }


def status(pid: int | str, task: int | str = "") -> dict[str, str]:
    """The fields of /proc/PID/status, of one thread if ``task`` is given."""
    path = Path(f"/proc/{pid}/task/{task}/status" if task else f"/proc/{pid}/status")
    return dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)


ALL = frozenset(names(int(status("self")["CapBnd"], 16)))
"""What a process of root can have on this machine."""


def rights(fields: dict[str, str]) -> Rights:
    """Those of a process or thread."""
    effective, bounding = (frozenset(names(int(fields[name], 16))) for name in ("CapEff", "CapBnd"))
    assert fields["CapEff"] == fields["CapPrm"]
    assert int(fields["CapInh"], 16) == int(fields["CapAmb"], 16) == 0
    programs = {effective: "the same", ALL: "all", frozenset[str](): "none"}.get(bounding, repr(bounding))
    return Rights(effective, programs, fields["NoNewPrivs"] == "1", fields["Seccomp"] == "2")


def running(service: Service) -> dict[str, int]:
    """The processes of a host, by the name in the table."""
    assert service.process is not None
    found = {"supervisor": service.process.pid}
    for name in documented():
        try:
            found[name] = service.pid_of(name)
        except KeyError:
            continue
    if "spawner" in found:
        (found["host-key"],) = children(found["spawner"], "host-key")
    return found


def children(parent: int, name: str) -> list[int]:
    """The processes of this name that ``parent`` has started."""
    pids = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in pids if Path(f"/proc/{pid}/comm").read_text().strip() == name]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_processes_have_the_rights_of_the_table(shared: Cluster, node: Node) -> None:
    table = documented()
    control, host = running(shared.control), running(node)
    assert {*control, *host} == table.keys()
    for name, pid in [*control.items(), *host.items()]:
        expected = table[name]
        expected = expected._replace(capabilities=expected.capabilities & ALL)
        for task in os.listdir(f"/proc/{pid}/task"):
            assert rights(status(pid, task)) == expected, name


def session_status(shell: ShellSession) -> dict[str, str]:
    """/proc/self/status of a program in a session."""
    lines = shell.run("cat /proc/self/status").replace("\r", "").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_root_has_all_rights_in_a_session(node: Node, alice: Account) -> None:
    with ShellSession(alice, f"root@{node.name}") as shell:
        fields = session_status(shell)
        assert rights(fields) == Rights(ALL, "all", False, False)
        assert "ok" in shell.run("unshare --mount --pid --fork true && echo o''k")
        shell.exit()


def test_set_user_id_programs_work_in_a_session(
    shared: Cluster, node: Node, tmp_path_factory: pytest.TempPathFactory
) -> None:
    login = ordinary_login()
    if login == "root":
        pytest.skip("there is no other account")
    person = shared.add_user("setuid", logins=login)
    person.login()
    directory = Path("/var/tmp") / f"proctor-{os.getpid()}"  # not below a file system that ignores the bit
    directory.mkdir()
    try:
        directory.chmod(0o755)
        program = directory / "id"
        shutil.copy("/usr/bin/id", program)
        program.chmod(0o4755)
        with ShellSession(person, f"{login}@{node.name}") as shell:
            fields = session_status(shell)
            assert rights(fields)._replace(programs="") == Rights(frozenset(), "", False, False)
            assert frozenset(names(int(fields["CapBnd"], 16))) == ALL
            assert "euid=0(root)" in shell.run(str(program))
            shell.exit()
    finally:
        shutil.rmtree(directory)
