# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from proctor.audit.recent_uids import UidWindow
from proctor.model.stamp import stamped, to_line

NAMES = ("audit-uids.0", "audit-uids.1")
DAYS = ("2023-07-03.00:00:00.log", "2023-07-04.00:00:00.log")
HEADER = 4096
VERSION_AT, KEY_AT = 16, 24


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two days of 20 events each, u0 to u39."""
    directory = tmp_path / "log"
    directory.mkdir()
    for day, name in enumerate(DAYS):
        lines = [line(f"u{day * 20 + number}") for number in range(20)]
        (directory / name).write_bytes(b"".join(lines) + b"no event\n")
    return directory


def line(uid: str) -> bytes:
    return to_line(
        stamped({"event": "exec", "code": "T3002I", "uid": uid}, datetime(2023, 7, 4, tzinfo=UTC), "purple")
    )


def known(window: UidWindow, count: int = 40) -> list[int]:
    return [n for n in range(count) if window.knows(window.fingerprints([f"u{n}"]))]


def changed(path: Path, at: int, content: bytes) -> None:
    raw = bytearray(path.read_bytes())
    raw[at : at + len(content)] = content
    path.write_bytes(raw)


def test_the_key_is_random_and_kept(tmp_path: Path, log: Path) -> None:
    keys = []
    for name in ("a", "b", "a"):
        (tmp_path / name).mkdir(exist_ok=True)
        window = UidWindow(tmp_path / name, log, slots=128)
        keys.append(window.key)
        window.close()
    assert keys[0] == keys[2] != keys[1]
    assert all(len(key) == 16 and any(key) for key in keys)
    assert all((tmp_path / "a" / name).read_bytes()[KEY_AT:][:16] == keys[0] for name in NAMES)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("damage", ["missing", "former", "other key", "shorter"])
def test_files_that_do_not_fit_are_made_again_from_the_log(
    tmp_path: Path, log: Path, damage: str, both: bool
) -> None:
    """``former``: a file of a version without a key, whose header has zeros there."""
    first = UidWindow(tmp_path, log, slots=128)
    key = first.key
    first.close()
    for number, name in enumerate(NAMES if both else NAMES[:1]):
        path = tmp_path / name
        if damage == "missing":
            path.unlink()
        elif damage == "former":
            changed(path, VERSION_AT, bytes(24))
            changed(path, HEADER, b"\1" * 64 * 8)
        elif damage == "shorter":
            path.write_bytes(path.read_bytes()[:-8])
        else:
            changed(path, KEY_AT, bytes([number]) * 16)
    window = UidWindow(tmp_path, log, slots=128)
    assert window.key != key
    assert known(window, 50) == list(range(40))
    window.close()


def test_files_that_fit_are_not_made_again(tmp_path: Path, log: Path) -> None:
    window = UidWindow(tmp_path, log, slots=128)
    window.add(window.fingerprints(["other"]))
    window.close()
    for path in log.iterdir():
        path.unlink()
    window = UidWindow(tmp_path, log, slots=128)
    assert known(window) == list(range(40))
    assert window.knows(window.fingerprints(["other"]))
    window.close()


def test_of_a_long_log_the_last_events_are_known(tmp_path: Path, log: Path) -> None:
    window = UidWindow(tmp_path, log, slots=32)
    assert known(window) == list(range(24, 40))
    for number in range(40, 72):
        window.add(window.fingerprints([f"u{number}"]))
    assert known(window, 80) == list(range(40, 72))
    window.close()
    again = UidWindow(tmp_path, log, slots=32)
    assert known(again, 80) == list(range(40, 72))
    again.close()


def test_a_day_that_cannot_be_read_is_left_out(
    tmp_path: Path, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (log / DAYS[1]).unlink()
    (log / DAYS[1]).mkdir()
    window = UidWindow(tmp_path, log, slots=128)
    assert known(window) == list(range(20))
    assert f"{DAYS[1]} is not in the table" in caplog.text
    window.close()


def test_a_crash_while_they_are_made_has_them_made_again(tmp_path: Path, log: Path) -> None:
    window = UidWindow(tmp_path, log, slots=128)
    window.close()
    changed(tmp_path / NAMES[0], VERSION_AT, bytes(8))
    changed(tmp_path / NAMES[0], HEADER, bytes(128 * 8))
    window = UidWindow(tmp_path, log, slots=128)
    assert known(window) == list(range(40))
    window.close()
