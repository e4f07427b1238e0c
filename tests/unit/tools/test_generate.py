# SPDX-License-Identifier: Apache-2.0
"""The schema of events, what is generated from it, and what emits events."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.capture.kernel.abi import Operation, Technique
from proctor.model.event_schema import schemas
from proctor.model.events import SLOT_KEYS
from proctor.node.record.recorder import Context, NodeFacts
from tools.generate.__main__ import stale
from tools.generate.schema import SOURCE, Enum, SchemaError, read
from tools.runner.paths import ROOT

SCHEMA = read()
FORMATS = Path(__file__).parents[2] / "golden/event-formats.json"
"""Codes, field types and mandatory fields of all events: hosts of other versions rely on them."""

SOURCES = ROOT / "src/proctor"
NATIVE = ROOT / "native/eventfmt"


def test_generated_files_are_up_to_date() -> None:
    assert stale(SCHEMA) == [], "run: ./run generate"


def test_events_are_those_of_the_golden_file() -> None:
    found = {
        schema.name.decode(): {
            "codes": [code.decode() for code in schema.codes],
            "fields": {field.name.decode(): [field.type.decode(), field.required] for field in schema.fields},
        }
        for schema in schemas()
    }
    expected = json.loads(FORMATS.read_text())
    assert {name: found[name] for name in expected} == expected
    assert set(found) == set(expected), "add the new event to the golden file"


# Emitters.


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in SOURCES.rglob("*.py"):
        if path.parent.name != "_pb" and path.parts[-2:] != ("model", "events.py"):
            yield str(path.relative_to(SOURCES)), ast.parse(path.read_text())


def _named(node: ast.AST) -> Iterator[str]:
    """Names of structs that a node makes, passes on or takes the code of."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            yield node.func.id
        for argument in node.args:
            yield from (name.id for name in ast.walk(argument) if isinstance(name, ast.Name))
    if isinstance(node, ast.IfExp):
        yield from (name.id for name in (node.body, node.orelse) if isinstance(name, ast.Name))
    if isinstance(node, ast.Attribute) and node.attr == "CODE" and isinstance(node.value, ast.Name):
        yield node.value.id


def _spelled(node: ast.AST) -> Iterator[str]:
    """Names of events in dictionaries that are events."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "event" and isinstance(value, ast.Constant):
                yield str(value.value)


def emitted() -> set[str]:
    """Names of the events that sources emit."""
    structs = {event.struct: event.name for event in SCHEMA.events.values()}
    found: set[str] = set()
    for path, tree in _trees():
        if path == "auth/ingest/permitted_events.py":  # It names what hosts may emit.
            continue
        for node in ast.walk(tree):
            found |= {structs[name] for name in _named(node) if name in structs}
            found |= set(_spelled(node))
    written = "".join(source.read_text() for source in NATIVE.glob("*.c"))
    macros = set(re.findall(r"\b(\w+)_FIELDS\(COMMON_FIELD", written))
    found |= {event.name for event in SCHEMA.kernel if event.name.replace(".", "_").upper() in macros}
    return found


def test_every_event_is_emitted_and_every_emitted_one_is_in_the_schema() -> None:
    assert emitted() == set(SCHEMA.events)


# Native code.


def test_slots_are_filled_with_what_the_node_knows() -> None:
    """Their number is part of the protocol between capture and the nodes of other versions."""
    assert SLOT_KEYS == ("cluster_name", "ei", "login", "server_hostname", "sid", "user")
    node = {name for event in SCHEMA.kernel for name, field in event.fields.items() if field.by == "node"}
    facts = NodeFacts(server_id="", hostname="", address="", labels={}, version="", cluster="")
    known = Context(node=facts, user=None, login="", local="", remote="").captured()
    assert node == {"ei", *known}


def test_values_are_those_of_the_kernel_programs() -> None:
    techniques = {each.name.lower() for each in Technique} - {"none", "escape"}
    assert {value["value"] for value in SCHEMA.enums["technique"].values} == techniques
    operations = [each.name.lower() for each in Operation if each.name not in ("NONE", "OUTCOME")]
    assert [value["name"] for value in SCHEMA.enums["operation"].values] == operations


@pytest.mark.parametrize("enum", SCHEMA.enums.values(), ids=SCHEMA.enums)
def test_every_value_is_said_in_its_own_words(enum: Enum) -> None:
    for phrase in enum.phrases - {"name"}:
        said = [value[phrase] for value in enum.values]
        assert len(set(said)) == len(said)
        assert enum.other[phrase] not in said


# One edit.

MADE_UP = """
[event."coffee.brewed"]
doc = "A person made coffee."
codes = ["TP9999I"]
own = true
block = "user"
by = ["auth"]
group = "People"
since = "99.0.0"
sentence = "{who} brewed {cups} cups"
brief = "{cups} cups"
[event."coffee.brewed".fields]
cups = { type = "int", doc = "how many", sample = 2 }
"""


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    source = tmp_path / "events.toml"
    source.write_text(SOURCE.read_text() + MADE_UP)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/audit-events.md", tmp_path / "docs")
    argv = [sys.executable, "-m", "tools.generate", "--schema", str(source), "--into", str(tmp_path)]
    subprocess.run(argv, check=True, cwd=ROOT)
    return tmp_path


def test_a_new_event_is_one_edit(edited: Path) -> None:
    def text(path: str) -> str:
        return (edited / path).read_text()

    assert "class CoffeeBrewed(UserPart):" in text("src/proctor/model/events.py")
    assert "class CoffeeBrewedFields(TypedDict):" in text("src/proctor/model/event_types.py")
    assert "{who} brewed {cups} cups" in text("src/proctor/model/event_texts.py")
    assert "| `coffee.brewed` | TP9999I | A person made coffee." in text("docs/audit-events.md")
    web = text("web/src/audit/events.gen.ts")
    assert "export interface CoffeeBrewed {" in web
    assert '"coffee.brewed"' in web.partition("EVENT_GROUPS")[2].partition("];")[0]
    sample = json.loads(text("tests/golden/events.json"))["coffee.brewed"]
    assert sample["sentence"] == "alice brewed 2 cups"
    assert sample["event"]["code"] == "TP9999I"


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (("{who} logged in", "{who} logged in with {nothing}"), "unknown field nothing"),
        (("{who} logged in", "{who|shout} logged in"), "unknown filter shout"),
        (('codes = ["T1002I"]', 'codes = ["T1003I"]'), "T1003I belongs to several events"),
        (('sentence = "{who} set a password"\n', ""), "user.password_change: has no sentence"),
        (('brief = "{user}"\n', ""), "user.password_change: has no brief"),
        (('when = ["exitError"]', 'when = ["exitErorr"]'), "unknown field exitErorr"),
        (('severity = "error", did = "loaded another', 'did = "loaded another'), "kexec has no severity"),
        (('always = ["success"]', 'always = ["succes"]'), "always names the unknown field succes"),
    ],
)
def test_mistakes_are_refused(tmp_path: Path, edit: tuple[str, str], complaint: str) -> None:
    text = SOURCE.read_text()
    assert edit[0] in text
    (tmp_path / "events.toml").write_text(text.replace(*edit))

    with pytest.raises(SchemaError, match=complaint):
        read(tmp_path / "events.toml")
