# SPDX-License-Identifier: Apache-2.0
"""Text of hosts and people, through everything that prints: nothing of it may reach the terminal as it is."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from ruamel.yaml import YAML

from proctor.cli.entrypoint import fail
from proctor.cli.output import Format, emit, fields, json_text, note, say, table, yaml
from proctor.cli.tctl import verbs
from proctor.cli.tsh import nodes, replay
from proctor.core.errors import ProctorError
from proctor.model import serde
from proctor.model.event import copied
from proctor.model.events import EVENTS
from proctor.model.resources import KINDS
from proctor.recording import entry_stream
from proctor.recording.format import RecordingEntry
from proctor.rpc._pb import record_pb2 as pb

HOSTILE = "x\x1b[2J\x1b]0;t\x07\x9b31m\u202eexe\u200b\x7f\x85\u2066y"
SHOWN = ("table", "text", "json", "yaml")

DOCUMENTS: dict[str, dict[str, Any]] = {
    "node": {
        "hostname": HOSTILE, "addr": HOSTILE, "labels": {HOSTILE: HOSTILE}, "server_version": HOSTILE,
        "last_seen": HOSTILE,
    },
    "user": {"roles": [HOSTILE], "traits": {"logins": [HOSTILE]}},
    "role": {"allow": {"logins": [HOSTILE], "node_labels": {HOSTILE: HOSTILE}}},
    "token": {"roles": [HOSTILE]},
    "lock": {"target": {"user": HOSTILE}, "message": HOSTILE},
}  # fmt: skip


def harmless(text: str) -> bool:
    return not any(unicodedata.category(char) in {"Cc", "Cf"} for char in text.replace("\n", ""))


def document(kind: str) -> Any:
    return serde.convert({"kind": kind, "metadata": {"name": HOSTILE}, "spec": DOCUMENTS[kind]}, KINDS[kind])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_document(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(kind)
    for format_ in Format:
        emit(format_, [serde.to_builtins(found)], verbs.resources_table(kind, [found]))
    sys.stdout.write(yaml([serde.to_builtins(found)] * 2))
    shown = capsys.readouterr().out
    assert harmless(shown)
    assert "\\x1b[2J" in shown


@pytest.mark.parametrize("verbose", [False, True])
def test_nodes(verbose: bool) -> None:
    assert harmless(nodes.text([document("node")], verbose=verbose))


def test_recordings() -> None:
    info = pb.RecordingInfo(
        sid="86aca627", participants=[HOSTILE], server_hostname=HOSTILE, login=HOSTILE, server_id=HOSTILE
    )
    assert harmless(replay.recordings_table([info]))
    assert harmless(json_text(replay.recording_data(info)))


PRINTERS: list[Callable[[], object]] = [
    lambda: say(HOSTILE),
    lambda: note(HOSTILE),
    lambda: sys.stdout.write(table(["a", "b"], [[HOSTILE, "c\nd"]])),
    lambda: sys.stdout.write(fields([("a", HOSTILE)])),
    lambda: sys.stdout.write(json_text({HOSTILE: [HOSTILE]})),
    lambda: sys.stdout.write(yaml([{HOSTILE: [HOSTILE]}])),
    lambda: fail(ProctorError(HOSTILE, hint=HOSTILE)),
]


@pytest.mark.parametrize("printer", PRINTERS)
def test_every_way_to_print(printer: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> None:
    printer()
    shown = capsys.readouterr()
    assert shown.out + shown.err
    assert harmless(shown.out + shown.err)


def test_a_cell_is_one_line() -> None:
    assert len(table(["a"], [["x\ny"]]).splitlines()) == 3


def test_data_stays_what_it_is() -> None:
    value = {"a": [HOSTILE, "größe\nx"]}
    assert json.loads(json_text(value)) == value
    assert YAML(typ="safe").load(yaml([value])) == value
    assert "größe" in json_text({"a": "größe"}) + yaml([{"a": "größe"}])


@pytest.mark.parametrize("style", ["json", "yaml", "text"])
@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_of_a_recording(style: entry_stream.Style, name: str) -> None:
    texts = dict.fromkeys(("path", "dst_addr", "size", "user", "login", "program", "reason"), HOSTILE)
    event = {"event": name, "argv": [HOSTILE], "bytes": 1, "ms": 1, **texts}
    assert harmless("".join(entry_stream.printed([RecordingEntry(1, copied(event), b"")], style)))
