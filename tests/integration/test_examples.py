# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
from pathlib import Path

from testing.programs import require

RSYSLOG = Path(__file__).resolve().parents[2] / "examples/siem/rsyslog.conf"


async def test_rsyslog_ships_the_audit_log(tmp_path: Path) -> None:
    require("rsyslogd")
    log = tmp_path / "log/9d7e8c4f/2026-01-02.00:00:00.log"
    log.parent.mkdir(parents=True)
    event = {"event": "session.command", "argv": ["x" * 100_000]}
    log.write_text(json.dumps(event) + "\n")
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int(await reader.readuntil(b" "))
        received.put_nowait(await reader.readexactly(length))
        writer.close()

    collector = await asyncio.start_server(collect, "127.0.0.1", 0)
    port = collector.sockets[0].getsockname()[1]
    argv = ["rsyslogd", "-n", "-f", str(master(tmp_path, port)), "-i", str(tmp_path / "pid")]
    daemon = await asyncio.create_subprocess_exec(*argv)
    try:
        message = await asyncio.wait_for(received.get(), 30)
    finally:
        daemon.terminate()
        await daemon.wait()
        collector.close()

    header, _, content = message.partition(b" proctor - - - ")
    assert header.startswith(b"<134>1 ")
    assert json.loads(content) == event


def master(directory: Path, port: int) -> Path:
    """Write the configuration of a daemon that reads and writes below ``directory`` only."""
    example = RSYSLOG.read_text()
    for old, new in (
        ("collector.example.com", "127.0.0.1"),
        ('port="6514"', f'port="{port}"'),
        ("/var/lib/teleport", str(directory)),
    ):
        assert old in example
        example = example.replace(old, new)
    path = directory / "rsyslog.conf"
    path.write_text(f'global(workDirectory="{directory}")\n{example}')
    return path
