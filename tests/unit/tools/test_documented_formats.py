# SPDX-License-Identifier: Apache-2.0
"""Frames and formats that the documentation shows are those of the code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proctor.captureproto import capture_messages as capture
from proctor.model.events import Print
from proctor.model.serde import to_builtins
from proctor.recording.format import KINDS
from proctor.recording.wal import Tag
from proctor.spawnerproto import messages as spawner

DOCS = Path(__file__).parents[3] / "docs"
_ARROW = re.compile(r"^(\w* *[←→]) (?=\{)", re.MULTILINE)

FROM_PEERS: Mapping[str, type[msgspec.Struct]] = {
    "open": capture.RegisterSession,
    "resume": capture.ResumeSession,
    "restrict": capture.RestrictSession,
    "close": capture.CloseSession,
    "subscribe": capture.Subscribe,
    "claim": capture.Claim,
    "ack": capture.Acknowledge,
}


def frames(opening: str) -> list[tuple[str, dict[str, Any]]]:
    """Direction and frame of each in the block that follows ``opening``."""
    block = (DOCS / "architecture.md").read_text().partition(opening)[2].split("```")[1]
    found = []
    for match in _ARROW.finditer(block):
        frame, _ = json.JSONDecoder().raw_decode(block[match.end() :])
        found.append((match[1].split()[0] if " " in match[1] else match[1], frame))
    return found


def complete(frame: Mapping[str, Any], decoded: object) -> bool:
    """Has the struct every field of the frame?"""
    return set(frame) <= {*to_builtins(decoded), "op"}


def either(*types: type[msgspec.Struct]) -> Callable[[Mapping[str, Any]], object]:
    def decoded(frame: Mapping[str, Any]) -> object:
        for kind in types:
            try:
                return msgspec.convert(frame, kind)
            except msgspec.ValidationError:
                continue
        raise AssertionError(f"no answer: {frame}")

    return decoded


def test_frames_of_the_spawner() -> None:
    found = frames("spawn.sock (node → spawner)")
    answers = either(spawner.Hello, spawner.Answer, spawner.SpawnRejected)
    for arrow, frame in found:
        assert complete(frame, (spawner.check_request if arrow == "→" else answers)(frame))
    shown = {frame["op"] for arrow, frame in found if arrow == "→"}
    assert shown == {"sign", "authenticate", "session", "store_bundle", "get_bundle", "ping"}


def test_frames_of_the_monitor() -> None:
    found = frames("The socket pair (node ↔ monitor)")
    kinds = (spawner.Spawned, spawner.SpawnRejected, spawner.CaptureEnded, spawner.Exited)
    for arrow, frame in found:
        if arrow == "←":
            decoded = either(*kinds)(frame)
        else:
            decoded = (spawner.check_spawn if frame["op"] == "spawn" else spawner.check_order)(frame)
        assert complete(frame, decoded)
    assert {frame.get("op") for _, frame in found} == {
        "spawn", "signal", "follow", "capture_ended", "exit", None,
    }  # fmt: skip


def test_frames_of_capture() -> None:
    found = frames("capture.sock:")
    for sender, frame in found:
        if sender == "capture":
            body = json.dumps(frame).encode()
            decoded = capture.decode(body)
            assert json.loads(capture.encode(decoded).partition(b"\n")[0]).keys() == frame.keys()
        elif frame["op"] != "status":
            kind = FROM_PEERS[frame["op"]]
            assert set(frame) == {"op", *to_builtins(msgspec.convert(frame, kind))}
    sent = {frame["op"] for sender, frame in found if sender == "capture"}
    assert sent == {"subscribed", "events", "drained", "closed", "forgotten"}
    assert {frame["op"] for _, frame in found} - sent == {*FROM_PEERS, "status"}


@pytest.fixture
def recording_format() -> str:
    return (DOCS / "recording-format.md").read_text()


def test_tags_of_the_journal(recording_format: str) -> None:
    rows = re.findall(r"^\| (\d) ([A-Z]+) \|", recording_format, re.MULTILINE)
    assert rows == [(str(tag.value), tag.name) for tag in Tag]


def test_kinds_of_files(recording_format: str) -> None:
    listed = re.search(r"kind of file \(u8: ([^;]+);", recording_format)
    assert listed is not None
    kinds = [entry.split() for entry in listed[1].split(", ")]
    assert [int(number) for number, _ in kinds] == list(range(len(KINDS)))
    for (_, name), kind in zip(kinds, KINDS, strict=True):
        assert name in kind


def test_entries_of_output(recording_format: str) -> None:
    entry = re.search(r"A `print` entry: `\{(.*?)\}`", recording_format)
    assert entry is not None
    shown = {name.strip().partition(":")[0].strip('"') for name in entry[1].split(",")}
    assert shown == {"event", "ei", "time", *Print.ALWAYS}
