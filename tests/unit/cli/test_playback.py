# SPDX-License-Identifier: Apache-2.0
"""Playing on a terminal, with a viewer whose waits pass at once."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from proctor.cli.playback.controls import Controls
from proctor.cli.playback.local_recording import is_file, read_entries
from proctor.cli.playback.screen import Screen, Size
from proctor.cli.playback.terminal_player import Player
from proctor.core.errors import ProctorError
from proctor.model.event import copied
from proctor.recording.format import RecordingEntry, Timeline
from testing.records import contents

GOLDEN = Path(__file__).parents[2] / "golden/recording"
ENTRIES = Timeline.decode(contents(GOLDEN)).entries
RIGHT, LEFT, SPACE, QUIT = b"\x1b[C", b"\x1bOD", b" ", b"q"


class Viewer(Controls):
    """Presses ``keys[n]`` in the n-th wait, which takes no time otherwise."""

    def __init__(self, *keys: bytes) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self._keys = list(keys)

    async def wait(self, seconds: float | None) -> float:
        await super().wait(0)  # the source goes on
        self.waits.append(None if seconds is None else round(seconds, 6))
        self.press(self._keys.pop(0) if self._keys else b"")
        return seconds or 0.0


class Terminal:
    """Remembers what was written."""

    def __init__(self, size: Size | None = None) -> None:
        self.written = b""
        self.screen = Screen(self._write, (lambda: size) if size else None)

    def _write(self, data: bytes) -> None:
        self.written += data


async def source(entries: Iterable[RecordingEntry]) -> AsyncIterator[RecordingEntry]:
    for entry in entries:
        yield entry


def output(ms: int, text: str) -> RecordingEntry:
    return RecordingEntry(ms, copied({"event": "print", "ei": ms}), text.encode())


async def play(
    terminal: Terminal,
    viewer: Viewer,
    entries: Iterable[RecordingEntry],
    speed: float = 1,
    *,
    skip_idle: bool = False,
) -> Player:
    player = Player(terminal.screen, viewer, lambda entry: str(entry.event.get("remark", "")))
    await player.play(source(entries), speed=speed, skip_idle=skip_idle)
    return player


@pytest.mark.parametrize(
    ("speed", "skip_idle", "expected"),
    [
        (1.0, False, [1.0, 0.52, 0.25]),
        (2.0, False, [0.76, 0.125]),
        (0.5, False, [1.0, 1.0, 1.0, 0.04, 0.5]),
        (8.0, False, [0.19, 0.03125]),
        (1.0, True, [0.5, 0.25]),
    ],
)
async def test_it_waits_as_the_session_did(speed: float, skip_idle: bool, expected: list[float]) -> None:
    viewer = Viewer()
    await play(Terminal(), viewer, ENTRIES, speed, skip_idle=skip_idle)
    assert [seconds for seconds in viewer.waits if seconds] == expected


async def test_a_pipe_gets_the_output_and_nothing_else() -> None:
    terminal = Terminal()
    await play(terminal, Viewer(), ENTRIES)
    assert terminal.written == b"".join(entry.data for entry in ENTRIES)


async def test_an_event_of_an_earlier_time_is_shown_at_once() -> None:
    viewer, terminal = Viewer(), Terminal()
    await play(terminal, viewer, [output(1000, "b"), output(10, "a")])
    assert [seconds for seconds in viewer.waits if seconds] == [1.0]
    assert terminal.written == b"ba"


async def test_space_pauses_and_shows_the_position_and_the_keys() -> None:
    terminal = Terminal(Size(80, 24))
    viewer = Viewer(b"", SPACE, SPACE)
    await play(terminal, viewer, [output(0, "one"), output(10_000, "two")])
    assert None in viewer.waits
    assert b"paused 0:01 / 0:10" in terminal.written
    assert b"q: quit" in terminal.written
    _, _, after = terminal.written.rpartition(b"q: quit")
    assert after.index(b"\x1b[2J") < after.index(b"one") < after.index(b"two"), "drawn again without the line"


async def test_arrows_seek_forwards_and_backwards() -> None:
    entries = [output(second * 1000, f"<{second}>") for second in range(20)]
    terminal = Terminal(Size(80, 24))
    viewer = Viewer(b"", RIGHT + RIGHT, LEFT, QUIT)
    player = await play(terminal, viewer, entries)
    assert viewer.ended
    before, _, after = terminal.written.partition(b"\x1b[2J")
    assert b"<10>" in before
    assert b"<15>" not in before
    assert b"<0>" in after, "drawn again"
    assert b"<10>" not in after, "up to the earlier position"
    assert 5_000 <= player.position <= 9_000


async def test_seeking_stays_within_the_recording() -> None:
    entries = [output(0, "a"), output(3000, "b")]
    viewer = Viewer(b"", LEFT * 3, RIGHT * 9)
    player = await play(Terminal(Size(80, 24)), viewer, entries)
    assert player.position == 3000


async def test_q_ends_even_when_paused() -> None:
    viewer = Viewer(b"", SPACE, QUIT)
    terminal = Terminal(Size(80, 24))
    await play(terminal, viewer, [output(0, "a"), output(60_000, "never")])
    assert b"never" not in terminal.written


async def test_unknown_keys_change_nothing() -> None:
    viewer = Viewer(b"x", b"\x1b[A", b"\xff")
    terminal = Terminal(Size(80, 24))
    await play(terminal, viewer, [output(0, "a"), output(5000, "b")])
    assert not viewer.paused
    assert b"paused" not in terminal.written


async def test_a_recording_that_is_larger_than_the_terminal_says_so() -> None:
    start = RecordingEntry(0, copied({"event": "session.start", "ei": 0, "size": "100:30"}))
    small, large = Terminal(Size(80, 24)), Terminal(Size(100, 30))
    for terminal in (small, large):
        await play(terminal, Viewer(), [start, output(1, "x")])
    assert b"recorded at 100x30, this terminal is 80x24" in small.written
    assert b"recorded at" not in large.written


async def test_remarks_are_lines_of_their_own() -> None:
    terminal = Terminal(Size(80, 24))
    await play(
        terminal,
        Viewer(),
        [RecordingEntry(0, copied({"event": "session.loss", "ei": 0, "remark": "lost 3"}))],
    )
    assert b"\r\n[lost 3]\r\n" in terminal.written


async def test_a_source_that_fails_is_reported_after_what_it_gave() -> None:
    async def failing() -> AsyncIterator[RecordingEntry]:
        yield output(0, "a")
        raise ProctorError("the connection was cut")

    terminal = Terminal()
    with pytest.raises(ProctorError, match="cut"):
        await Player(terminal.screen, Viewer(), lambda entry: "").play(failing(), speed=1, skip_idle=False)
    assert terminal.written == b"a"


def test_files_of_a_recording(tmp_path: Path) -> None:
    names = sorted(GOLDEN.iterdir())
    for name in names:
        assert read_entries(name) == ENTRIES
    archive = tmp_path / "recording.tar"
    with tarfile.open(archive, "w") as tar:
        for name in names:
            tar.add(name, f"some/where/{name.name}")
    assert read_entries(archive) == ENTRIES


def test_files_that_are_no_recording(tmp_path: Path) -> None:
    (tmp_path / "other.gz").write_bytes(b"x")
    (tmp_path / "empty.tar").write_bytes(b"")
    for name in ("other.gz", "empty.tar", "missing", "."):
        with pytest.raises(ProctorError):
            read_entries(tmp_path / name)


def test_what_means_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.tar").touch()
    assert is_file("a.tar")
    assert is_file("./missing")
    assert not is_file("5c7183df")
