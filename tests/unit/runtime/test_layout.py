# SPDX-License-Identifier: Apache-2.0
import os
import stat
import uuid
from pathlib import Path

import pytest

from proctor.core.errors import Corrupted
from proctor.runtime.layout import LayoutError, locked, prepare
from proctor.runtime.privileges.service_users import service_user


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_directory_has_its_owner_and_mode(tmp_path: Path) -> None:
    prepare(tmp_path / "data")
    data = tmp_path / "data"
    assert mode(data) == 0o711
    for name, service in (
        ("backend", "auth"),
        ("proc/auth", "auth"),
        ("proc/admin", "auth"),
        ("proc/proxy", "proxy"),
        ("proc/node", "node"),
        ("spool/node", "node"),
        ("log/upload/sessions/default", "node"),
        ("log/playbacks/sessions/default", "auth"),
    ):
        assert mode(data / name) == 0o700, name
        assert (data / name).stat().st_uid == service_user(service).uid, name  # type: ignore[arg-type]  # a table
    for name in ("proc", "spool", "run", "proc/trusted"):
        assert (data / name).stat().st_uid == os.geteuid(), name
    assert mode(data / "log") == 0o711


def test_the_uuid_stays(tmp_path: Path) -> None:
    first = prepare(tmp_path)
    assert uuid.UUID(first).version == 4
    assert prepare(tmp_path) == first
    assert (tmp_path / "host_uuid").read_text() == f"{first}\n"


def test_a_uuid_in_another_form_is_rewritten(tmp_path: Path) -> None:
    """Names of directories of the log, and a backup, are made of the text in the file."""
    found = prepare(tmp_path)
    for text in (found.upper(), f"{{{found}}}", found.replace("-", "")):
        (tmp_path / "host_uuid").write_text(text)
        assert prepare(tmp_path) == found
        assert (tmp_path / "host_uuid").read_text() == f"{found}\n"


def test_modes_are_repaired(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "backend").chmod(0o777)
    prepare(tmp_path)
    assert mode(tmp_path / "backend") == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_files_of_a_restored_copy_get_their_owners_back(tmp_path: Path) -> None:
    prepare(tmp_path)
    auth, node = service_user("auth").uid, service_user("node").uid
    outside = tmp_path / "outside"
    outside.write_text("")
    files = {
        "backend/state.sqlite": auth,
        "log/2023-07-04/events.log": auth,
        "log/upload/sessions/default/x.gz": node,
        "proc/node/tls.key": node,
        "proc/host/secret": 0,
    }
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "backend/link").symlink_to(outside)
    os.link(outside, tmp_path / "backend/second-name")
    prepare(tmp_path)
    assert {name: (tmp_path / name).stat().st_uid for name in files} == files
    assert (tmp_path / "log/2023-07-04").stat().st_uid == auth
    assert outside.stat().st_uid == 0


@pytest.mark.parametrize("content", [b"something", b"", b"\xff\xfe"])
def test_a_foreign_uuid_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "host_uuid").write_bytes(content)
    with pytest.raises(Corrupted, match="does not hold a UUID") as raised:
        prepare(tmp_path)
    assert "backup" in raised.value.hint
    assert (tmp_path / "host_uuid").read_bytes() == content


def test_links_planted_by_a_service_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    data = tmp_path / "data"
    (data / "log").mkdir(parents=True)
    (data / "log/upload").symlink_to(victim)
    with pytest.raises(LayoutError):
        prepare(data)
    assert victim.stat().st_uid == os.geteuid()
    assert mode(victim) == 0o755


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LayoutError, match="data directory"):
        prepare(tmp_path / "file/data")


def test_one_supervisor_for_one_directory(tmp_path: Path) -> None:
    prepare(tmp_path)
    refusal = f"in use by another teleport .process {os.getpid()}."
    with locked(tmp_path), pytest.raises(LayoutError, match=refusal), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
