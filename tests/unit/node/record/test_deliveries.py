# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from proctor.node.record import deliveries
from proctor.node.record.deliveries import DeliveryLog, PendingDelivery


def intent(seq: int, sid: str = "a") -> PendingDelivery:
    return PendingDelivery(sid, seq, ei=10 * seq, position=20 * seq)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deliveries.json"


def test_notes_outlive_the_process(path: Path) -> None:
    notes = DeliveryLog(path)
    for number in range(1, 4):
        notes.note(intent(number))
    notes.note(intent(7, "b"))

    again = DeliveryLog(path)

    assert (again.stored("a"), again.stored("b"), again.stored("c")) == (3, 7, 0)
    assert again.interrupted == intent(7, "b")
    assert DeliveryLog(path).interrupted == intent(7, "b")


def test_line_that_was_not_finished_was_not_acted_on(path: Path) -> None:
    notes = DeliveryLog(path)
    notes.note(intent(1))
    notes.note(intent(2))
    path.write_bytes(path.read_bytes()[:-1])

    again = DeliveryLog(path)

    assert (again.stored("a"), again.interrupted) == (1, intent(1))


def test_what_is_forgotten_does_not_come_back(path: Path) -> None:
    notes = DeliveryLog(path)
    for sid in "abc":
        notes.note(intent(1, sid))
    notes.forget("a")
    notes.keep_only({"b"})

    again = DeliveryLog(path)

    assert [again.stored(sid) for sid in "abc"] == [0, 1, 0]


def test_file_does_not_grow_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "LONGEST", 500)
    notes = DeliveryLog(path)
    for number in range(1, 100):
        notes.note(intent(number))
        assert path.stat().st_size < 700

    assert DeliveryLog(path).stored("a") == 99


@pytest.mark.parametrize("content", [b"", b"junk", b'{"stored":5}', b'{"stored":{"a":1},"intent":null}'])
def test_any_file_there(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    notes = DeliveryLog(path)
    notes.note(intent(9))

    assert DeliveryLog(path).stored("a") == 9


def test_what_cannot_be_written_is_remembered(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.mkdir(parents=True)

    with pytest.raises(IsADirectoryError):
        DeliveryLog(path)
    path.rmdir()
    notes = DeliveryLog(path)
    notes.close()
    path.with_name(f".{path.name}.{os.getpid()}.new").mkdir()
    notes.note(intent(1))

    assert notes.stored("a") == 1
    assert "cannot be noted" in caplog.text
