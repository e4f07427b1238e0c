# SPDX-License-Identifier: Apache-2.0
"""Nothing of a session is in the spool before its attestation, whatever is full."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.audit.segments import Segments
from proctor.audit.spool import Spool
from proctor.core.errors import Unavailable
from proctor.model.events import SessionAttestation, SessionCommand
from proctor.model.serde import to_json
from proctor.node.record.sessionspool import SessionSpool

SID = "a79b86c5-7465-48ad-b2c9-b3c67586d144"
LINE = b'{"event":"session.command"}\n'


def attestation() -> SessionAttestation:
    return SessionAttestation(sid=SID, statement="statement", signature="s", host_certificate="c")


def command() -> SessionCommand:
    return SessionCommand(sid=SID, path="/bin/ls")


class Lab:
    """A spool of a session in a spool of the node; ``full`` makes the disk refuse what is not reserved."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.node = Spool(directory, source="node/n", cluster_name="purple")
        self.session = SessionSpool(self.node)

    def events(self) -> list[str]:
        """Kinds of the events in the spool, oldest first."""
        files = sorted(self.directory.glob("*.ndjson"))
        lines = [line for file in files for line in file.read_bytes().splitlines() if line.startswith(b"{")]
        return [json.loads(line)["event"] for line in lines]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.node.close()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The disk has no space, except for reserved events; until it is undone."""
    append = Segments.append

    def refuse(self: Segments, lines: bytes, count: int, *, reserved: bool = False) -> None:
        if not reserved:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, lines, count, reserved=reserved)

    monkeypatch.setattr(Segments, "append", refuse)
    return monkeypatch


def test_attestation_comes_first_and_once(lab: Lab) -> None:
    lab.session.attest(attestation())
    lab.session.extend([command()])
    lab.session.extend_lines(LINE, 1)
    assert lab.events() == ["session.attestation", "session.command", "session.command"]
    assert lab.session.position == lab.node.position


def test_without_an_attestation_events_are_spooled_as_they_are(lab: Lab) -> None:
    lab.session.extend([command(), command()])
    assert lab.events() == ["session.command"] * 2


@pytest.mark.parametrize("as_lines", [False, True])
def test_attestation_that_did_not_fit_comes_before_the_next_event(
    lab: Lab, full: pytest.MonkeyPatch, as_lines: bool
) -> None:
    with pytest.raises(Unavailable):
        lab.session.attest(attestation())
    with pytest.raises(Unavailable):
        lab.session.extend([command()])
    assert lab.events() == []
    full.undo()
    if as_lines:
        lab.session.extend_lines(LINE, 1)
    else:
        lab.session.extend([command()])
    assert lab.events() == ["session.attestation", "session.command"]


def test_reserved_events_bring_the_attestation_that_waits(lab: Lab, full: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable):
        lab.session.attest(attestation())
    lab.session.extend([command()], reserved=True)
    assert lab.events() == ["session.attestation", "session.command"]


def test_space_is_reserved_for_an_attestation_that_waits(lab: Lab, full: pytest.MonkeyPatch) -> None:
    assert lab.session.reserve(1000).size == 1000
    with pytest.raises(Unavailable):
        lab.session.attest(attestation())
    size = lab.session.reserve(1000).size
    assert size == 1000 + len(to_json(attestation().to_dict()))
    lab.session.extend([], reserved=True)
    assert lab.session.reserve(1000).size == 1000
