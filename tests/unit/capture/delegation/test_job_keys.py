# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from proctor.capture.delegation.daemons import JobDirectory, JobFormat, running
from proctor.capture.delegation.inotify import InotifyWatcher
from proctor.capture.delegation.job_keys import ordered
from proctor.capture.kernel import abi
from proctor.capture.kernel.abi import Daemon


def orders(content: JobFormat, path: Path) -> list[bytes]:
    return list(ordered(JobDirectory(path.parent, Daemon.CRON, content), path))


def test_table_of_a_user_runs_as_that_user(tmp_path: Path) -> None:
    path = tmp_path / "games"
    path.write_text("* * * * * one\n@daily two\n")

    assert orders(JobFormat.OWN_TABLE, path) == [
        abi.encode_order(Daemon.CRON, 5, command) for command in (b"one", b"two")
    ]


def test_jobs_of_users_that_do_not_exist_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "no such user"
    path.write_text("* * * * * one\n")

    assert orders(JobFormat.OWN_TABLE, path) == []


def test_table_of_the_system_names_users(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text("* * * * * games one\n")

    assert orders(JobFormat.TABLE, path) == [abi.encode_order(Daemon.CRON, 5, b"one")]


def test_program_is_known_by_its_path() -> None:
    path = Path("/etc/cron.daily/x")

    [order] = orders(JobFormat.PROGRAM, path)

    assert order == abi.encode_order(Daemon.CRON, abi.ANY_USER, b"/etc/cron.daily/x")


def test_long_commands_are_known_by_their_beginning() -> None:
    key = abi.encode_order(Daemon.CRON, 0, b"x" * 1000)

    assert abi.ORDER.unpack(key)[2] == b"x" * 247 + b"\0"


@pytest.mark.parametrize("change", ["write", "rename", "remove"])
def test_changes_in_a_directory_are_noticed_once(tmp_path: Path, change: str) -> None:
    file = tmp_path / "file"
    file.touch()
    notices = InotifyWatcher()
    notices.watch(tmp_path)
    assert not notices.take()

    match change:
        case "write":
            file.write_text("x")
        case "rename":
            file.rename(tmp_path / "other")
        case _:
            file.unlink()

    assert notices.take()
    assert not notices.take()
    notices.close()


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    notices = InotifyWatcher()
    with pytest.raises(FileNotFoundError):
        notices.watch(tmp_path / "none")
    notices.close()


def test_daemons_are_found_by_their_program(tmp_path: Path) -> None:
    programs = {"7": "/usr/sbin/cron", "8": "/bin/sh", "9": "/usr/sbin/atd", "self": "/usr/sbin/cron"}
    for pid, exe in programs.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "exe").symlink_to(exe)

    found = {(one.daemon, one.pid) for one in running(tmp_path)}

    assert found == {(Daemon.CRON, 7), (Daemon.AT, 9)}
