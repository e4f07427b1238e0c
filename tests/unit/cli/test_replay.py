# SPDX-License-Identifier: Apache-2.0
"""What ``tsh play`` says of the record itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from proctor.cli.tsh import replay
from proctor.cli.tsh.replay import PlayFormat, Speed
from proctor.model.event import copied
from proctor.recording.format import RecordingEntry

TIME = "2026-11-23T09:00:00Z"


def entry(ms: int, name: str, **fields: Any) -> RecordingEntry:
    return RecordingEntry(ms, copied({"event": name, "time": TIME, "ei": ms, **fields}))


ENTRIES = [
    RecordingEntry(5, {"event": "print", "time": TIME, "ei": 5, "bytes": 3}, b"$ \n"),
    entry(1200, "session.loss", lost={"disk": 7, "command": 1}),
    entry(1300, "session.loss", reason="capture has \x1b[2Jstopped"),
    entry(2500, "session.freeze", milliseconds=140, backlog=9_000_000),
    entry(3000, "session.ledger", stored={"disk": 90}, lost={"ring": {"disk": 7, "command": 1}}),
    entry(3001, "session.ledger", stored={"disk": 90}),
]
REMARKS = [
    "kernel events that could not be recorded here: 1 command, 7 disk",
    "kernel events that could not be recorded here: capture has \\x1b[2Jstopped",
    "the session was held for 140 ms, so that nothing was lost",
    "the session's account: stored 90 disk; lost at ring: 1 command, 7 disk",
]


@pytest.mark.parametrize("style", [PlayFormat.TEXT, PlayFormat.JSON])
def test_remarks_come_with_their_time(capsys: pytest.CaptureFixture[str], style: PlayFormat) -> None:
    replay._print(ENTRIES, style)

    shown = capsys.readouterr()
    times = ["1.200", "1.300", "2.500", "3.000"]
    assert shown.err.splitlines() == [
        f"[{time} s: {text}]" for time, text in zip(times, REMARKS, strict=True)
    ]
    assert REMARKS[0] not in shown.out


async def test_remarks_are_shown_while_it_plays(capfd: pytest.CaptureFixture[str]) -> None:
    async def entries() -> AsyncIterator[RecordingEntry]:
        for one in ENTRIES:
            yield one

    await replay.show(entries(), Speed.EIGHT, skip_idle=True)

    shown = capfd.readouterr()
    assert shown.out == "$ \n"
    assert shown.err.splitlines() == [f"[{text}]" for text in REMARKS]
