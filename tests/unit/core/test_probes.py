# SPDX-License-Identifier: Apache-2.0
"""Readiness: what does not work says why, within a bound, and the rest is not held up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from proctor.core.errors import ProctorError, Unavailable
from proctor.core.probes import MIN_FREE_BYTES, greets, problems, speaks_tls, writable


@asynccontextmanager
async def listening(answer: bytes) -> AsyncIterator[int]:
    """A port of loopback that says ``answer`` to everybody and hangs up."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def works() -> None:
    pass


async def hangs() -> None:
    await asyncio.Event().wait()


def failing(error: Exception) -> Callable[[], object]:
    async def fail() -> None:
        raise error

    return fail


async def test_each_probe_has_its_own_reason() -> None:
    probes = {
        "good": works,
        "slow": hangs,
        "known": failing(Unavailable("no auth service")),
        "system": failing(FileNotFoundError(2, "No such file or directory")),
        "bare": failing(OSError("odd")),
    }
    assert await problems(probes, 0.05) == {  # type: ignore[arg-type]
        "slow": "no answer within 0.05 s",
        "known": "no auth service",
        "system": "No such file or directory",
        "bare": "odd",
    }
    assert await problems({}) == {}


async def test_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    await writable(tmp_path)
    assert names_in(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        await writable(tmp_path / "missing")


async def test_link_in_place_of_the_probe_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / ".probe").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        await writable(tmp_path)
    assert target.read_text() == "mine"


@pytest.mark.parametrize("missing", [0, 1])
async def test_full_disk_is_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: int
) -> None:
    status = SimpleNamespace(f_bavail=MIN_FREE_BYTES - missing, f_frsize=1)
    monkeypatch.setattr(os, "statvfs", lambda _path: status)
    if missing:
        with pytest.raises(ProctorError, match="less than 16 MiB are free"):
            await writable(tmp_path)
    else:
        await writable(tmp_path)


async def test_greeting_is_compared() -> None:
    async with listening(b"SSH-2.0-x\r\n") as port:
        await greets(port, "127.0.0.1", b"SSH-2.0-")
        await greets(port, "0.0.0.0", b"SSH-2.0-")
        with pytest.raises(ProctorError, match="something else"):
            await greets(port, "127.0.0.1", b"HTTP/1.1")
    async with listening(b"SSH") as port:
        with pytest.raises(ProctorError, match="hangs up"):
            await greets(port, "127.0.0.1", b"SSH-2.0-")
    with pytest.raises(OSError):
        await greets(port, "127.0.0.1", b"SSH-2.0-")


async def test_what_speaks_no_tls_fails() -> None:
    async with listening(b"SSH-2.0-x\r\n") as port:
        with pytest.raises(OSError):
            await speaks_tls(port, "127.0.0.1")
