# SPDX-License-Identifier: Apache-2.0
"""Which files of a data directory are given to which service, and which are left alone."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest

from proctor.runtime.ownership import SAMPLE, repair_owners

DIRECTORIES = (
    "backend",
    "proc/auth",
    "proc/admin",
    "proc/proxy",
    "proc/node",
    "spool/auth",
    "spool/proxy",
    "spool/node",
    "log/playbacks",
    "log/upload/sessions/default",
    "log/1048a649-8f3f-4431-9529-0c53339b65a5",
)
AUTH, PROXY, NODE = 64401, 64402, 64403
"""Accounts of services where there are no system users."""


class Given(dict[str, int]):
    """The account by the path of each file that was given away, below ``top``.

    The system call is replaced, which needs root; its effect is therefore not in what is read later.
    """

    def __init__(self, top: Path) -> None:
        super().__init__()
        self._top = top

    def __call__(self, descriptor: int, uid: int, gid: int) -> None:
        assert uid == gid
        self[str(Path(os.readlink(f"/proc/self/fd/{descriptor}")).relative_to(self._top))] = uid


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in DIRECTORIES:
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def given(data: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    """As root of a machine without users of services, all of whose files are of another account."""

    def unknown(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    given = Given(data)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", unknown)
    monkeypatch.setattr(os, "fchown", given)
    return given


def test_each_service_gets_what_is_its_own(data: Path, given: Given) -> None:
    (data / "backend/state.sqlite").touch()
    (data / "spool/node-2").mkdir()
    (data / "log/upload/sessions/default/one.tar").touch()
    assert repair_owners(data) == len(given)
    assert given == {
        "backend": AUTH,
        "backend/state.sqlite": AUTH,
        "proc/auth": AUTH,
        "proc/admin": AUTH,
        "proc/proxy": PROXY,
        "proc/node": NODE,
        "spool/auth": AUTH,
        "spool/proxy": PROXY,
        "spool/node": NODE,
        "spool/node-2": NODE,
        "log/playbacks": AUTH,
        "log/upload/sessions/default": NODE,
        "log/upload/sessions/default/one.tar": NODE,
        "log/1048a649-8f3f-4431-9529-0c53339b65a5": AUTH,
    }


def test_nothing_else_of_the_directory_is_touched(data: Path, given: Given) -> None:
    (data / "host_uuid").touch()
    (data / "proc/spawner").mkdir()
    (data / "spool/other").mkdir()
    repair_owners(data)
    assert not {"host_uuid", "proc", "proc/spawner", "spool", "spool/other", "log", "log/upload"} & set(given)


def test_links_lead_nowhere(data: Path, given: Given, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "shadow").touch()
    (data / "backend/directory").symlink_to(outside)
    (data / "backend/file").symlink_to(outside / "shadow")
    (data / "spool/node/hard").hardlink_to(outside / "shadow")
    repair_owners(data)  # Given refuses paths outside
    assert not [name for name in given if name.startswith(("backend/", "spool/node/"))]


def test_sockets_and_pipes_are_left_alone_and_stop_nothing(data: Path, given: Given) -> None:
    os.mkfifo(data / "backend/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.open(data / "backend", os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{directory}/socket")  # the whole path may be too long for an address
        os.close(directory)
        (data / "backend/state.sqlite").touch()
        repair_owners(data)
    assert {name for name in given if name.startswith("backend/")} == {"backend/state.sqlite"}


def test_right_owners_are_nothing_to_repair(
    data: Path, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = pwd.struct_passwd(("p", "x", os.getuid(), os.stat(data).st_gid, "", "/", "/bin/false"))
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: own)
    (data / "backend/state.sqlite").touch()
    assert repair_owners(data) == 0
    assert not given


def test_of_a_foreign_directory_all_files_are_given(data: Path, given: Given) -> None:
    names = {f"backend/{number}" for number in range(3 * SAMPLE)}
    for name in names:
        (data / name).touch()
    repair_owners(data)
    assert names <= set(given)


def test_files_that_vanish_meanwhile_stop_nothing(
    data: Path, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade of the supervisor the services go on while owners are looked at."""
    names = {f"backend/{number}" for number in range(5)}
    for name in names:
        (data / name).touch()

    def give_and_remove(descriptor: int, uid: int, gid: int) -> None:
        given(descriptor, uid, gid)
        if last := names & set(given):
            for name in names - last:
                (data / name).unlink(missing_ok=True)

    monkeypatch.setattr(os, "fchown", give_and_remove)
    repair_owners(data)
    assert len(names & set(given)) == 1
    assert "log/1048a649-8f3f-4431-9529-0c53339b65a5" in given


def test_directories_deeper_than_a_path_can_name_stop_nothing(data: Path, given: Given) -> None:
    top = os.open(data / "spool/node", os.O_RDONLY)
    directory = os.dup(top)
    name = "d" * 200
    for _ in range(30):
        os.mkdir(name, dir_fd=directory)
        inner = os.open(name, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    os.close(directory)
    os.close(top)
    repair_owners(data)
    assert f"spool/node/{name}" in given
    assert "log/1048a649-8f3f-4431-9529-0c53339b65a5" in given
