from pathlib import Path

import pytest

from proctor.audit.catalogue import catalogue, severity, updated
from proctor.model.catalogue import EVENTS

DOCUMENT = Path(__file__).parents[3] / "docs/audit-events.md"


def test_every_event_of_the_log_is_in_it() -> None:
    assert {entry.name for entry in catalogue()} == set(EVENTS) - {"print"}


def test_no_two_events_share_a_code() -> None:
    codes = [code for entry in catalogue() for code in entry.codes]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("code", "meaning"), [("T1000I", "information"), ("T1000W", "warning"), ("T3002E", "error")]
)
def test_severity_is_in_the_code(code: str, meaning: str) -> None:
    assert severity(code) == meaning


def test_fields_are_their_block_s_or_their_own() -> None:
    command = next(entry for entry in catalogue() if entry.name == "session.command")
    assert command.block == "kernel"
    assert {"argv", "path", "ppid", "return_code"} <= set(command.fields)
    assert "program" not in command.fields


def test_the_document_is_up_to_date() -> None:
    page = DOCUMENT.read_text()
    assert updated(page) == page, "run: python -m proctor.audit.catalogue < docs/audit-events.md"
