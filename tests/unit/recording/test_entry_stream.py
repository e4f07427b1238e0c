# SPDX-License-Identifier: Apache-2.0
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

from ruamel.yaml import YAML

from proctor.model.event import copied
from proctor.recording.entry_stream import live, printed
from proctor.recording.format import RecordingEntry, Timeline
from proctor.rpc._pb import record_pb2 as pb
from testing.records import contents

FILES = contents(Path(__file__).parents[2] / "golden/recording")
ENTRIES = Timeline.decode(FILES).entries


async def test_a_live_recording_gives_the_entries_of_the_finished_one() -> None:
    async def chunks() -> AsyncIterator[pb.FileChunk]:
        for name, data in FILES.items():
            for start in range(0, len(data), 50):
                yield pb.FileChunk(name=name, offset=start, data=data[start : start + 50])

    played = [entry async for entry in live(chunks())]
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
    (line,) = printed([RecordingEntry(0, copied(event))], "text")
    assert line.endswith("/bin/\\x1b[2J \\x9b1m a\\nb ü 7\n")
