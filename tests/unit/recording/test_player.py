import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from proctor.core.errors import BadRequest
from proctor.recording.format import Entry, Timeline
from proctor.recording.player import live, play, printed
from proctor.rpc._pb import record_pb2 as pb
from tests.support.records import contents

FILES = contents(Path(__file__).parents[2] / "golden/recording")
ENTRIES = Timeline.decode(FILES).entries


class Pauses:
    """Remembers how long playback would have slept."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(round(seconds, 6))


@pytest.mark.parametrize(
    ("speed", "skip_idle", "expected"),
    [
        (1.0, False, [1.52, 0.25]),
        (2.0, False, [0.76, 0.125]),
        (0.5, False, [3.04, 0.5]),
        (8.0, False, [0.19, 0.03125]),
        (1.0, True, [0.5, 0.25]),
    ],
)
async def test_playback_waits_as_the_session_did(
    speed: float, skip_idle: bool, expected: list[float]
) -> None:
    pauses = Pauses()
    played = [e async for e in play(ENTRIES, speed=speed, skip_idle=skip_idle, pause=pauses)]
    assert played == ENTRIES
    assert pauses.taken == expected


@pytest.mark.parametrize("speed", [0, 0.49, 8.1, -1, float("nan")])
async def test_speeds_out_of_range_are_refused(speed: float) -> None:
    with pytest.raises(BadRequest, match="speed"):
        await anext(play(ENTRIES, speed=speed))


async def test_what_arrives_late_comes_at_once() -> None:
    pauses = Pauses()
    entries = [Entry(1000, {"event": "x", "ei": 1}), Entry(10, {"event": "y", "ei": 0})]
    assert [e.ms async for e in play(entries, pause=pauses)] == [1000, 10]
    assert pauses.taken == [1.0]


async def test_a_live_recording_gives_the_entries_of_the_finished_one() -> None:
    async def chunks() -> AsyncIterator[pb.FileChunk]:
        for name, data in FILES.items():
            for start in range(0, len(data), 50):
                yield pb.FileChunk(name=name, offset=start, data=data[start : start + 50])

    played = [entry async for entry in play(live(chunks()), pause=Pauses())]
    assert sorted(played, key=lambda entry: entry.order) == ENTRIES


def test_json_is_an_array_of_the_events() -> None:
    assert json.loads("".join(printed(ENTRIES, "json"))) == [entry.event for entry in ENTRIES]
    assert json.loads("".join(printed([], "json"))) == []


def test_yaml_has_a_document_for_each_event() -> None:
    documents = YAML(typ="safe").load_all(io.StringIO("".join(printed(ENTRIES, "yaml"))))
    assert list(documents) == [entry.event for entry in ENTRIES]


def test_text_has_a_line_for_each_event() -> None:
    lines = "".join(printed(ENTRIES, "text")).splitlines()
    assert len(lines) == len(ENTRIES)
    assert lines[2].split() == ["1.520", "session.command", "/bin/curl", "https://wttr.in"]


def test_arguments_cannot_drive_the_reader_s_terminal() -> None:
    event = {"event": "session.command", "ei": 1, "path": "/bin/\x1b[2J", "argv": ["\x9b1m", "a\nb", "ü", 7]}
    (line,) = printed([Entry(0, event)], "text")
    assert line.endswith("/bin/\\x1b[2J \\x9b1m a\\nb ü 7\n")
