# SPDX-License-Identifier: Apache-2.0
"""Backups: private, complete or absent, checked to the last byte, restored into an empty place only."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from proctor.audit.compressed import compress
from proctor.audit.dayfiles import day_files
from proctor.audit.log import Query
from proctor.cli.tctl.backup import manifest
from proctor.cli.tctl.backup.contents import Contents, Source
from proctor.cli.tctl.backup.create import create, read, verify
from proctor.cli.tctl.backup.restore import restore
from proctor.core.clock import FakeClock
from proctor.core.errors import Corrupted, NotFound, ProctorError
from testing.crashes import killed_at_each_step
from testing.keeping import HOST, Kept

SID = str(UUID(int=1))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What an auth service keeps: two days, of which one is compressed, and a recording."""
    place = tmp_path / "data"
    clock = FakeClock()
    kept = Kept(place, clock)
    kept.event("alice")
    kept.record(SID, b"recorded")
    kept.record(str(UUID(int=2)), b"live", complete=False)
    clock.advance(86400)
    kept.event("bob")
    compress(kept.log.directory / day_files(kept.log.directory)[0])
    kept.close()
    (place / "host_uuid").write_text(f"{HOST}\n")
    with sqlite3.connect(place / "backend/state.sqlite") as database:
        database.execute("CREATE TABLE items (key)")
        database.execute("INSERT INTO items VALUES ('users/alice')")
    return place


def contents(data: Path) -> Contents:
    return Contents(data, data / "backend")


def users(data: Path) -> set[str]:
    kept = Kept(data, FakeClock())
    try:
        return {json.loads(event).get("user", "") for event in kept.log.search(Query()).events} - {""}
    finally:
        kept.close()


@pytest.mark.parametrize("target", ["backup.tar", "directory/"])
def test_what_was_kept_is_there_again(data: Path, tmp_path: Path, target: str) -> None:
    path = tmp_path / target
    made = create(contents(data), f"{tmp_path}/{target}")
    assert verify(str(path)) == made
    assert made.position == f"2023-07-05/{(data / 'log' / HOST / '2023-07-05.00:00:00.log').stat().st_size}"
    restored = tmp_path / "restored"
    restore(str(path), restored, restored / "backend")
    assert not (restored / ".restoring").exists()
    kept = Kept(restored, FakeClock())
    assert kept.archive.held() == {SID: True}  # the live one is delivered again by its node
    kept.close()
    assert users(restored) == {"alice", "bob"}
    database = sqlite3.connect(restored / "backend/state.sqlite")
    assert database.execute("SELECT key FROM items").fetchall() == [("users/alice",)]
    database.close()


def test_nothing_can_be_read_by_others(data: Path, tmp_path: Path) -> None:
    os.umask(0o022)
    create(contents(data), f"{tmp_path}/b.tar")
    create(contents(data), f"{tmp_path}/d/")
    restore(f"{tmp_path}/b.tar", tmp_path / "r", tmp_path / "r/backend")
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    for path in (tmp_path / "d", *(tmp_path / "d").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    for path in (tmp_path / "r").rglob("*"):
        if path.name != "host_uuid":
            assert not path.stat().st_mode & 0o007, path


def test_what_exists_is_never_overwritten(data: Path, tmp_path: Path) -> None:
    file, full = tmp_path / "b.tar", tmp_path / "full"
    file.write_text("mine")
    full.mkdir()
    (full / "mine").touch()
    for target in (str(file), str(full), f"{full}/"):
        with pytest.raises(ProctorError, match=r"exists|is not empty"):
            create(contents(data), target)
    assert file.read_text() == "mine"
    file.unlink()
    create(contents(data), str(file))
    for place in (full, data):
        with pytest.raises(ProctorError, match="is not empty"):
            restore(str(file), place, place / "backend")
    assert [path.name for path in full.iterdir()] == ["mine"]


def test_another_directory_of_the_backend(data: Path, tmp_path: Path) -> None:
    create(contents(data), f"{tmp_path}/b.tar")
    restore(f"{tmp_path}/b.tar", tmp_path / "r", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/state.sqlite").exists()
    assert not (tmp_path / "r/backend").exists()


def test_damage_anywhere_is_found(data: Path, tmp_path: Path) -> None:
    for path in (data / "backend").glob("audit-uids.*"):  # large, and not needed
        path.unlink()
    create(contents(data), f"{tmp_path}/b.tar")
    whole = (tmp_path / "b.tar").read_bytes()
    meant = {name: content.read() for name, content in read(f"{tmp_path}/b.tar")}
    damaged = tmp_path / "damaged.tar"
    for position in range(0, len(whole), max(1, len(whole) // 400)):
        broken = bytearray(whole)
        broken[position] ^= 0x01
        damaged.write_bytes(broken)
        try:
            verify(str(damaged))
        except ProctorError:
            continue
        # Padding, or what a tar file says about owners and times.
        assert {name: content.read() for name, content in read(str(damaged))} == meant
    for size in range(0, len(whole) - 10240, len(whole) // 60):
        damaged.write_bytes(whole[:size])
        with pytest.raises(ProctorError):
            verify(str(damaged))


def rewritten(tmp_path: Path, change: Any) -> str:
    """The backup with other members."""
    target = tmp_path / "changed.tar"
    with tarfile.open(tmp_path / "b.tar") as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            for name, data in change(member.name, content.read()):
                about = tarfile.TarInfo(name)
                about.size = len(data)
                new.addfile(about, io.BytesIO(data))
    return str(target)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, d: [] if n == manifest.NAME else [(n, d)], "has no manifest"),
        (lambda n, d: [] if n == "host_uuid" else [(n, d)], "host_uuid is missing"),
        (lambda n, d: [(n, d), ("backend/audit-uids.1" if n == "host_uuid" else n, d)], "is there twice"),
        (lambda n, d: [("../../etc/passwd" if n == "host_uuid" else n, d)], "not a file of a backup"),
        (lambda n, d: [("/etc/passwd" if n == "host_uuid" else n, d)], "not a file of a backup"),
        (lambda n, d: [(n, d.replace(b'"format":1', b'"format":9'))], "has format 9"),
        (lambda n, d: [(n, d + b"x" if n == "backend/state.sqlite" else d)], "state.sqlite is not as it was"),
    ],
)
def test_a_backup_that_was_changed(data: Path, tmp_path: Path, change: Any, message: str) -> None:
    create(contents(data), f"{tmp_path}/b.tar")
    origin = rewritten(tmp_path, change)
    with pytest.raises(ProctorError, match=message):
        restore(origin, tmp_path / "r", tmp_path / "r/backend")
    assert not list((tmp_path / "r").iterdir())


def test_links_are_refused(data: Path, tmp_path: Path) -> None:
    create(contents(data), f"{tmp_path}/d/")
    (tmp_path / "d/host_uuid").unlink()
    (tmp_path / "d/host_uuid").symlink_to("/etc/hostname")
    with pytest.raises(ProctorError, match="Too many levels of symbolic links"):
        verify(f"{tmp_path}/d")
    with tarfile.open(tmp_path / "l.tar", "w") as archive:
        about = tarfile.TarInfo("host_uuid")
        about.type, about.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(about)
    with pytest.raises(Corrupted, match="not a file of a backup"):
        verify(f"{tmp_path}/l.tar")


@pytest.mark.parametrize("content", [b"", b"no tar file", b"\x00" * 10240])
def test_what_is_no_backup(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(Corrupted, match="is not a backup"):
        verify(f"{tmp_path}/x")
    with pytest.raises(ProctorError, match="No such file"):
        verify(f"{tmp_path}/absent")


def test_a_host_without_an_auth_service(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no auth service keeps its data"):
        contents(tmp_path)


@pytest.mark.parametrize("target", ["b.tar", "d/"])
def test_a_file_that_cannot_be_read_is_named(data: Path, tmp_path: Path, target: str) -> None:
    day = data / "log" / HOST / "2023-07-05.00:00:00.log"
    day.unlink()
    day.mkdir()
    with pytest.raises(ProctorError) as raised:
        create(contents(data), f"{tmp_path}/{target}")
    assert raised.value.message == f"{day}: Is a directory"
    assert raised.value.hint == "The backup was not made."
    assert not (tmp_path / "b.tar").exists()
    assert not list(tmp_path.glob("d/*"))


def test_a_file_that_became_shorter_is_no_backup(data: Path, tmp_path: Path) -> None:
    class Shrinking(Contents):
        def sources(self) -> Iterator[Source]:
            for source in super().sources():
                yield source._replace(size=source.size + 1)

    for target in ("b.tar", "d/"):
        with pytest.raises(ProctorError) as raised:
            create(Shrinking(data, data / "backend"), f"{tmp_path}/{target}")
        assert "None" not in raised.value.message
    assert not (tmp_path / "b.tar").exists()


def test_a_line_that_is_being_written_is_left_out(data: Path, tmp_path: Path) -> None:
    path = data / "log" / HOST / "2023-07-05.00:00:00.log"
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"event":"torn')
    made = create(contents(data), f"{tmp_path}/b.tar")
    assert made.position == f"2023-07-05/{size}"
    assert made.files[f"log/{HOST}/{path.name}"].size == size


def test_standard_streams(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "teleport.yaml"
    config.write_text(f"version: v3\nteleport:\n  data_dir: {data}\n")
    code = [sys.executable, "-c", "from proctor.cli.tctl.main import main; main()"]
    command = [*code, "backup", "create", "-c", str(config), "-"]
    made = subprocess.run(command, capture_output=True, check=True)
    assert b"the audit log up to 2023-07-05/" in made.stderr
    checked = subprocess.run(
        [*code, "backup", "verify", "-"], input=made.stdout, capture_output=True, check=True
    )
    assert b"made at" in checked.stdout


def test_a_kill_while_a_backup_is_made_or_restored(data: Path, tmp_path: Path) -> None:
    target, place = tmp_path / "b.tar", tmp_path / "r"

    def prepare() -> None:
        target.unlink(missing_ok=True)

    for _ in killed_at_each_step(prepare, lambda: create(contents(data), str(target))):
        if target.exists():
            verify(str(target))

    def remove() -> None:
        shutil.rmtree(place, ignore_errors=True)

    for _ in killed_at_each_step(remove, lambda: restore(str(target), place, place / "backend")):
        if (place / "host_uuid").exists():
            assert users(place) == {"alice", "bob"}
