# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from proctor.cli import profile as profiles
from proctor.cli.profile import Profile


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELEPORT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make(web: str = "proxy.example.com:3080") -> Profile:
    profile = Profile(web=web, ssh="proxy.example.com:3023", user="alice", cluster="purple", version="14.0.0")
    profile.save()
    os.makedirs(profile.keys)
    (Path(profile.keys) / "ssh.key").write_text("key")
    return profile


def test_no_login() -> None:
    assert profiles.current() is None
    assert profiles.find("proxy:3080") is None
    assert profiles.version_lines(profiles.proxy_version()) == []


def test_the_last_login_is_the_current_one(home: Path) -> None:
    first, second = make(), make("other:3080")
    assert vars(profiles.current()) == vars(second)
    found = profiles.find(first.web)
    assert found is not None
    assert found.web == first.web
    assert profiles.version_lines(profiles.proxy_version()) == ["Proxy version: 14.0.0", "Proxy: other:3080"]


def test_only_the_owner_can_look(home: Path) -> None:
    profile = make()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / f"{profile.name}.json").stat().st_mode & 0o777 == 0o600


def test_logout_leaves_nothing_of_this_login(home: Path) -> None:
    first, second = make(), make("other:3080")
    profiles.remove(second)
    assert profiles.current() is None
    assert not Path(second.keys).exists()
    assert Path(first.keys).exists()
    profiles.remove(first)
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("web", ["../../etc:1", "[::1]:3080", "a/b:1"])
def test_names_are_harmless_file_names(web: str) -> None:
    name = Profile(web=web, ssh="", user="", cluster="", version="").name
    assert "/" not in name
    assert name not in {"", ".", ".."}
