# SPDX-License-Identifier: Apache-2.0
"""``teleport debug`` and the supervisor: levels and profiles, over the socket, without services."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import marshal
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proctor.cli.teleport import debug_client
from proctor.core.errors import ConfigError, ProctorError, Unavailable
from proctor.runtime.diag.profiler import profile
from proctor.runtime.supervisor.debug_socket import DebugSocket
from proctor.runtime.supervisor.launcher import Launcher


@pytest.fixture
async def config(tmp_path: Path) -> AsyncIterator[str]:
    """The configuration of a supervisor that answers."""
    path = tmp_path / "teleport.yaml"
    path.write_text(f"teleport: {{data_dir: {tmp_path}}}\n")
    (tmp_path / "run").mkdir()
    level = logging.getLogger().level
    served = DebugSocket(cast(Launcher, SimpleNamespace(log_level="")), {})
    served.open(tmp_path / "run/debug.sock")
    yield str(path)
    await served.close()
    logging.getLogger().setLevel(level)


async def ask(config: str, operation: str, **fields: Any) -> Any:
    return await asyncio.to_thread(debug_client.ask, config, operation, **fields)


async def test_level_is_set_and_the_former_one_is_named(config: str) -> None:
    await ask(config, "set-log-level", level="warn")
    answer = await ask(config, "set-log-level", level="debug")
    assert debug_client.level_text(answer) == (
        f'Changed log level from "{answer["former"]}" to "{answer["level"]}".'
    )
    assert (await ask(config, "get-log-level"))["level"] == answer["level"]
    again = await ask(config, "set-log-level", level="debug")
    assert debug_client.level_text(again) == f'Log level already set to "{answer["level"]}".'


@pytest.mark.parametrize(
    ("operation", "fields", "message"),
    [
        ("set-log-level", {"level": "loud"}, "loud"),
        ("stop", {}, "no such operation"),
        ("profile", {"duration": 0}, "takes 1 to"),
        ("profile", {"duration": 601}, "takes 1 to"),
        ("profile", {"duration": "1"}, "takes 1 to"),
        ("profile", {"duration": 1, "services": ["auth"]}, "no such service on this host: auth"),
    ],
)
async def test_refusals(config: str, operation: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ProctorError, match=message):
        await ask(config, operation, **fields)


def test_without_a_supervisor_there_is_advice(tmp_path: Path) -> None:
    path = tmp_path / "teleport.yaml"
    path.write_text(f"teleport: {{data_dir: {tmp_path}}}\n")
    with pytest.raises(Unavailable) as raised:
        debug_client.ask(str(path), "get-log-level")
    assert "--config" in raised.value.hint


async def test_one_profile_at_a_time_in_the_format_of_pstats() -> None:
    first = asyncio.ensure_future(profile(0.01))
    await asyncio.wait({first}, timeout=0)
    with pytest.raises(Unavailable):
        await profile(0)
    assert isinstance(marshal.loads(await first), dict)
    await profile(0)  # the next one is made


def test_archive_has_a_file_for_each_service() -> None:
    content = debug_client.archive({"auth": base64.b64encode(b"stats").decode()})
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        (entry,) = files.getmembers()
        assert (entry.name, entry.mode, entry.size) == ("auth.pstats", 0o600, 5)


def test_levels_are_checked_before_anything_is_asked() -> None:
    debug_client.check_level("info")
    with pytest.raises(ConfigError):
        debug_client.check_level("loud")
