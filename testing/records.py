# SPDX-License-Identifier: Apache-2.0
"""A small recording with a known clock, and what reads its files back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from proctor.core.clock import FakeClock
from proctor.model.events import Resize, SessionCommand, SessionEnd, SessionNetwork, SessionStart
from proctor.recording.writer import SessionWriter

SID = "86aca627-971d-4883-854d-d309ba04c658"


def uid(number: int) -> str:
    """A fixed event uid."""
    return f"00000000-0000-4000-8000-{number:012d}"


def small_recording(directory: Path) -> Path:
    """Write the recording of a short session into ``directory``; the same bytes every time."""
    clock = FakeClock()
    writer = SessionWriter(directory, SID, clock, cluster_name="purple")
    writer.event(SessionStart(uid=uid(1), sid=SID, user="alice@example.com", login="root", size="80:24"))
    writer.output(b"$ ")
    clock.advance(0.02)
    writer.output("échö\r\n".encode())
    clock.advance(1.5)
    writer.event(
        SessionCommand(
            uid=uid(2), sid=SID, path="/bin/curl", argv=["https://wttr.in"], program="curl", pid=5007
        )
    )
    writer.flush()
    writer.event(SessionNetwork(uid=uid(3), sid=SID, dst_addr="5.9.243.187", dst_port=443, program="curl"))
    clock.advance(0.25)
    writer.event(Resize(uid=uid(4), sid=SID, size="100:30"))
    writer.output(b"\x1b[1msunny\x1b[0m\r\n")
    writer.event(SessionEnd(uid=uid(5), sid=SID, user="alice@example.com", enhanced_recording=True))
    writer.close()
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Name to bytes of all files in ``directory``."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()}


def lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines of a file, gzip or not; no lines when it does not exist."""
    if not path.exists():
        return []
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in text.splitlines()]
