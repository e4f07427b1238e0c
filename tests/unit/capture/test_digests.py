# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.capture import digests
from proctor.capture.digests import (
    CHANGED,
    GONE,
    LATE,
    MAX_SIZE,
    READERS,
    RECENT,
    SIZE,
    TICK_NS,
    Digests,
    FileVersion,
)
from proctor.capture.kernel import abi
from proctor.capture.kernel.formatter import Executable

NO_PROCESS = 2**22 + 1
"""Not the number of a process."""


def executable(path: Path, *, pid: int = NO_PROCESS, after: int = 2 * TICK_NS) -> Executable:
    """``path``, executed that many nanoseconds after it was changed."""
    found = path.stat()
    identity = abi.IDENTITY.pack(found.st_ino, found.st_size, *divmod(found.st_ctime_ns, 10**9), 0)
    return Executable(identity, pid, bytes(path), found.st_ctime_ns + after)


def digest(*runs: Executable, max_size: int = MAX_SIZE) -> str:
    return digests.digest(FileVersion.of(runs, 0), max_size)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(b"#!/bin/true\n" * 1000)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_by_path(program: Path) -> None:
    assert digest(executable(program)) == sha256(program)


def test_by_process(tmp_path: Path) -> None:
    running = Path(os.path.realpath(sys.executable))
    found = executable(running, pid=os.getpid())._replace(path=bytes(tmp_path / "elsewhere"))

    assert digest(found) == sha256(running)


def test_gone(program: Path) -> None:
    found = executable(program)
    program.unlink()

    assert digest(found) == GONE


def test_replaced_by_another(program: Path) -> None:
    found = executable(program)
    program.rename(program.with_name("old"))
    program.write_bytes(b"another")

    assert digest(found) == CHANGED


def test_changed_and_back_in_time(program: Path) -> None:
    found, before = executable(program), program.stat()
    program.write_bytes(b"#!/bin/evil\n" * 1000)
    os.utime(program, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert digest(found) == CHANGED


def test_what_would_block_is_not_opened(program: Path) -> None:
    found = executable(program)
    program.unlink()
    os.mkfifo(program)

    assert digest(found) == CHANGED


def test_path_that_is_none(program: Path) -> None:
    assert digest(executable(program)._replace(path=b"memfd:x")) == GONE
    assert digest(executable(program)._replace(path=b"/x\0y")) == GONE


def test_changed_just_before(program: Path) -> None:
    assert digest(executable(program, after=TICK_NS - 1)) == RECENT
    assert digest(executable(program, after=TICK_NS)) == sha256(program)


def test_changed_just_before_and_held_by_all_that_run_it() -> None:
    running = Path(os.path.realpath(sys.executable))
    held, ended = (executable(running, pid=pid, after=0) for pid in (os.getpid(), NO_PROCESS))

    assert digest(held, held) == sha256(running)
    assert digest(held, ended) == RECENT


async def test_what_has_just_changed_is_not_remembered(program: Path) -> None:
    fresh, later, store = executable(program, after=0), executable(program), Digests()

    assert RECENT.encode() in await store.table([fresh], 0)
    assert sha256(program).encode() in await store.table([later], 0)
    assert RECENT.encode() in await store.table([fresh, later], 0)
    store.close()


def test_too_large(program: Path) -> None:
    assert digest(executable(program), max_size=100) == SIZE


async def test_table_remembers(program: Path, tmp_path: Path) -> None:
    found = executable(program)
    another = tmp_path / "another"
    another.write_bytes(b"x")
    store = Digests()

    first = await store.table([found, found, executable(another)], 0)
    await asyncio.to_thread(program.unlink)
    again = await store.table([found], 0)

    assert first.count(sha256(another).encode()) == 1
    assert again[: abi.IDENTITY.size] == found.identity
    assert again[abi.IDENTITY.size :] in first
    store.close()


async def test_what_was_gone_is_tried_again(program: Path) -> None:
    found, store = executable(program), Digests()
    hidden = found._replace(path=b"/nowhere")

    assert GONE.encode() in await store.table([hidden], 0)
    assert sha256(program).encode() in await store.table([found], 0)
    store.close()


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Executable]]:
    """Files that no reader comes to the end of, until the test is over."""
    pipe = os.pipe()
    monkeypatch.setattr(digests, "digest", lambda *_: os.read(pipe[0], 1).decode())
    files = []
    for number in range(READERS + 1):
        path = tmp_path / f"stuck-{number}"
        path.write_bytes(b"x" * number)
        files.append(executable(path))
    yield files
    os.write(pipe[1], b"." * READERS)


async def test_stuck_readers_hold_up_no_others(stuck: list[Executable]) -> None:
    store = Digests(wait=0.01)

    for found in stuck:
        assert LATE.encode() in await store.table([found], 0)
        assert LATE.encode() in await store.table([found], 0)

    assert len(store._running) == READERS
    store.close()


async def test_late_digests_are_known_afterwards(program: Path) -> None:
    found, store = executable(program), Digests(wait=0)

    await store.table([found], 0)

    while sha256(program).encode() not in await store.table([found], 0):
        await asyncio.to_thread(lambda: None)

    store.close()
