# SPDX-License-Identifier: Apache-2.0
"""Whatever the technique, what it does is seen in the session that did it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, assert_balanced
from testing.evasion.catalogue import CatalogueError, Technique, parse, techniques
from testing.evasion.ground import ground
from testing.evasion.trial import NOWHERE, attempt, crowded_lab
from testing.evasion.verdict import summary
from testing.programs import require
from tools.runner.paths import ROOT

LINES = 40


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptureHarness]:
    """A lab with a second session, so that there is somebody to confuse with."""
    with crowded_lab(tmp_path_factory.mktemp("capture")) as lab:
        yield lab


@pytest.mark.parametrize("technique", techniques(), ids=lambda technique: technique.name)
def test_technique(crowded: CaptureHarness, technique: Technique) -> None:
    require(*technique.needs)

    with ground(technique) as place:
        trial = attempt(crowded, place)

        assert trial.worked, "the technique did not work"
        assert trial.seen == (technique.expect == "seen"), summary(technique, trial.events)
        assert trial.attributed == trial.seen
        assert_balanced(trial.account)


CONNECTING = [technique for technique in techniques() if technique.seen == "connection"]


@pytest.mark.parametrize("technique", CONNECTING, ids=lambda technique: technique.name)
def test_network_policy_blocks(crowded: CaptureHarness, technique: Technique) -> None:
    require(*technique.needs)

    with ground(technique) as place:
        trial = attempt(crowded, place, NOWHERE)

        assert not trial.worked
        network = [event for event in trial.events if event["event"] == "session.network"]
        assert not network or 1 in {event["action"] for event in network}


@pytest.mark.parametrize("technique", techniques(), ids=lambda technique: technique.name)
def test_technique_is_small(technique: Technique) -> None:
    assert len(technique.path.read_text().splitlines()) <= LINES


def test_names_are_unique() -> None:
    names = [technique.name for technique in techniques()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "head",
    [
        "# Technique: x\n# Hides: y\n# Seen: smoke\n",
        "# Technique: x\n# Seen: open\n",
        "# Technique: x\n# Hides: y\n# Seen: open\n# Expect: never\n",
        "# Technique: x\n# Hides: y\n# Seen: open\n# Wishes: z\n",
    ],
)
def test_incomplete_head_is_refused(tmp_path: Path, head: str) -> None:
    (tmp_path / "x.sh").write_text(head)
    with pytest.raises(CatalogueError):
        parse(tmp_path / "x.sh")


def test_page_is_of_these_techniques() -> None:
    """``./run evasion`` was run since a technique came or went."""
    results = json.loads((ROOT / "docs/evasion.json").read_bytes())

    for tool, findings in results["findings"].items():
        assert findings.keys() == {technique.name for technique in techniques()}, tool
