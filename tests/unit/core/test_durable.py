# SPDX-License-Identifier: Apache-2.0
import errno
import os
from pathlib import Path

import pytest

from proctor.core.durable import append_at, read_small, replace_file, write_at


def test_a_file_is_replaced_as_a_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    replace_file(path, b"one")
    replace_file(path, b"two", mode=0o640)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["f"]


def test_a_link_in_the_place_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"safe")
    (tmp_path / f".f.{os.getpid()}.new").symlink_to(tmp_path / "victim")

    replace_file(tmp_path / "f", b"x")

    assert (tmp_path / "victim").read_bytes() == b"safe"
    assert sorted(os.listdir(tmp_path)) == ["f", "victim"]


def test_a_failed_replacement_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    replace_file(path, b"one")

    def full(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"two")
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"one", ["f"])


@pytest.mark.parametrize("sync", [True, False])
def test_file_and_directory_are_synchronised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    synchronised: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synchronised.append(os.readlink(f"/proc/self/fd/{fd}")))

    replace_file(tmp_path / "f", b"x", sync=sync)

    fresh = tmp_path / f".f.{os.getpid()}.new"
    assert synchronised == ([str(fresh), str(tmp_path)] if sync else [])


def test_a_file_below_an_open_directory(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        replace_file("f", b"x", directory=descriptor, owner=(os.geteuid(), os.getegid()))
    finally:
        os.close(descriptor)

    assert (tmp_path / "f").read_bytes() == b"x"


def test_writes_go_on_until_all_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: pwrite(fd, data[:2], offset))
    with (tmp_path / "f").open("w+b") as file:
        write_at(file.fileno(), b"abcdefg", 3)
        assert file.read() == b"\0\0\0abcdefg"


def test_a_failed_append_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite

    def full_after_two(descriptor: int, data: bytes, offset: int) -> int:
        if offset >= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(descriptor, data[:2], offset)

    with (tmp_path / "f").open("w+b") as file:
        assert append_at(file.fileno(), b"abc", 0, sync=True) == 3
        monkeypatch.setattr(os, "pwrite", full_after_two)
        with pytest.raises(OSError, match="No space"):
            append_at(file.fileno(), b"defg", 3)
        assert file.read() == b"abc"


def test_small_files_are_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    assert read_small(path, limit=5) == b"12345"
    with pytest.raises(OSError, match="File too large") as caught:
        read_small(path, limit=4)
    assert caught.value.filename == str(path)
    assert read_small(os.devnull) == b""


@pytest.mark.timeout(10)
def test_a_device_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(OSError, match="File too large"):
        read_small("/dev/zero")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(OSError) as caught:
            read_small(path)
        assert Path(caught.value.filename) == path
