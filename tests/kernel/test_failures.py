# SPDX-License-Identifier: Apache-2.0
"""What becomes of sessions when something fails beside them: strict ones end, others go on and say so."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proctor.capture.control.freezer import Watermarks
from proctor.capture.kernel.loader import RingSizes
from proctor.capture.state.place import StateDirectory
from proctor.captureproto.absence import RETURN_SECONDS
from proctor.captureproto.cgroup import CgroupTree
from proctor.config.schema import EnhancedRecording, SshService
from proctor.model.resources import NetworkRule, RecordSession, RoleOptions
from testing.capture import GUIDE_RINGS, MARKS, capture_process, cgroup_mount
from testing.node import NodeUnderTest, role
from testing.polling import auntil
from testing.processes import Process
from testing.spawner import SpawnerProcess
from testing.terminal import Terminal

STOPPED = "capture has stopped, and no longer records this session"
TINY = RingSizes(4096, 4096, 4096)
FLOOD = "for i in {1..40}; do /bin/echo $i; done"
PROMPTLY = 5.0
"""Seconds that a session's end may take, whatever has failed."""


class FaultyNode:
    """A node whose capture is a process of its own, to be ill-treated."""

    def __init__(self, directory: Path) -> None:
        recording = EnhancedRecording(
            enabled=True, cgroup_path=str(cgroup_mount()), root_path=f"/proctor-failures-{os.getpid()}"
        )
        self.node = NodeUnderTest(directory, SshService(enhanced_recording=recording))
        kinds = RoleOptions(enhanced_recording=["command", "disk"])
        strict = replace(kinds, record_session=RecordSession(default="strict"))
        logins = [self.node.login]
        self.node.set_roles(
            role("strict", logins=logins, options=strict),
            role("best_effort", logins=logins, options=kinds),
            role("restricted", logins=logins, options=kinds, network=[NetworkRule(cidr="127.0.0.1")]),
        )
        self.tree = CgroupTree(recording.cgroup_path, recording.root_path, self.node.boot.run_id)
        self.captures: list[Process] = []

    def start_capture(self, rings: RingSizes = GUIDE_RINGS, marks: Watermarks = MARKS) -> Process:
        """Capture, for the first time or again."""
        directory, path = self.node.directory, self.node.boot.capture_socket
        capture = capture_process(directory, path, self.tree.root, rings=rings, marks=marks)
        self.captures.append(capture)
        return capture

    @asynccontextmanager
    async def serving(
        self, rings: RingSizes = GUIDE_RINGS, marks: Watermarks = MARKS
    ) -> AsyncIterator[Process]:
        """Capture, spawner and server, until the block is left."""
        capture = self.start_capture(rings, marks)
        try:
            with SpawnerProcess(replace(self.node.boot, service="spawner")):
                await self.node.server.start()
                yield capture
                await self.node.stop()
        finally:
            for process in self.captures:
                process.stop()
            StateDirectory(self.node.boot.run_dir).discard()

    @asynccontextmanager
    async def session(self, mode: str) -> AsyncIterator[Terminal]:
        """A shell of somebody with the role ``mode``, of which the record has something."""
        known = len(self.node.events("session.command"))
        with self.node.person(roles=[mode]).terminal() as terminal:
            await asyncio.to_thread(terminal.line, "/bin/echo he''re")
            await asyncio.to_thread(terminal.expect, "here")
            await auntil(lambda: len(self.node.events("session.command")) > known + 1)
            yield terminal

    async def leave(self, terminal: Terminal) -> None:
        """Show that the session goes on, and end it."""
        await asyncio.to_thread(terminal.line, "echo still he''re; exit")
        await asyncio.to_thread(terminal.expect, "still here")
        await asyncio.to_thread(terminal.wait)

    async def ends(self) -> dict[str, Any]:
        """The only session's end."""
        (end,) = await auntil(lambda: self.node.events("session.end"), PROMPTLY)
        return end


@pytest.fixture
def site(tmp_path: Path) -> FaultyNode:
    """Nothing of it runs yet."""
    return FaultyNode(tmp_path)


RETURN = RETURN_SECONDS + PROMPTLY
"""Seconds until a session ends whose capture stays away."""

WAYS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
"""How capture ends."""


@pytest.mark.parametrize("mode", ["restricted", "strict"])
async def test_session_ends_when_capture_stays_away(site: FaultyNode, mode: str) -> None:
    """Nothing would record it, or keep it from connecting everywhere once capture is given up."""
    async with site.serving() as capture, site.session(mode) as terminal:
        capture.kill()
        if mode == "strict":
            await asyncio.to_thread(terminal.expect, f"cannot be recorded: {STOPPED}", RETURN)
        await asyncio.to_thread(terminal.wait, RETURN)
        end = await site.ends()

    (loss,) = site.node.events("session.loss", sid=end["sid"])
    assert loss["reason"] == STOPPED
    assert not list(site.tree.root.glob(end["sid"]))


def is_frozen(cgroup: Path) -> bool:
    return "frozen 1" in (cgroup / "cgroup.events").read_text().splitlines()


def cgroup_of(site: FaultyNode) -> Path:
    """Of the only session."""
    (cgroup,) = [path for path in site.tree.root.iterdir() if path.is_dir()]
    return cgroup


@WAYS
@pytest.mark.parametrize("mode", ["strict", "best_effort", "restricted"])
async def test_session_goes_on_over_a_takeover(site: FaultyNode, mode: str, number: signal.Signals) -> None:
    async with site.serving() as capture:
        async with site.session(mode) as terminal:
            await asyncio.to_thread(terminal.line, FLOOD)
            capture.signal(number)
            await asyncio.to_thread(capture.wait)
            if mode == "strict":
                await auntil(lambda: is_frozen(cgroup_of(site)))
            site.start_capture()
            await site.leave(terminal)
        end = await site.ends()

    (ledger,) = site.node.events("session.ledger", sid=end["sid"])
    echoes = site.node.events("session.command", sid=end["sid"], path="/bin/echo")
    assert not site.node.events("session.loss")
    assert [event["argv"] for event in echoes] == [["here"], *([str(n)] for n in range(1, 41))]
    assert ledger["submitted"] == ledger["stored"]
    assert ledger["stored"]["command"] == len(site.node.events("session.command", sid=end["sid"]))


@WAYS
async def test_best_effort_ends_without_capture(site: FaultyNode, number: signal.Signals) -> None:
    """What it did meanwhile is in the log when capture is back, though not in the recording."""
    async with site.serving() as capture:
        async with site.session("best_effort") as terminal:
            capture.signal(number)
            await asyncio.to_thread(capture.wait)
            await asyncio.to_thread(terminal.line, "/bin/echo unse''en")
            await site.leave(terminal)
        (end,) = await auntil(lambda: site.node.events("session.end"), 2 * RETURN)
        (loss,) = site.node.events("session.loss", sid=end["sid"])
        assert loss["ei"] < end["ei"]
        site.start_capture()
        await auntil(lambda: site.node.events("session.command", sid=end["sid"], argv=["unseen"]))


async def test_session_that_is_held_all_the_time_is_recorded_whole(site: FaultyNode) -> None:
    async with site.serving(marks=Watermarks(high=0, low=0)):
        done = await site.node.person(roles=["strict"]).ssh(f"{FLOOD}; cat /etc/passwd")
        end = await site.ends()
        recording = await auntil(lambda: site.node.recording(end["sid"]))

    assert done.status == 0
    (ledger,) = site.node.events("session.ledger")
    freezes = site.node.events("session.freeze")
    assert ledger["freezes"] == len(freezes) > 0
    assert ledger["submitted"] == ledger["stored"]
    assert "lost" not in ledger
    assert recording["events"].count(b'"session.freeze"') == len(freezes)
    assert recording["session.command"].count(b'"/bin/echo"') >= 40


async def test_strict_session_ends_when_capture_does_not_answer(
    site: FaultyNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.node.timeouts.CAPTURE_CHECK", 0.1)
    monkeypatch.setattr("proctor.node.timeouts.CAPTURE_ANSWER", 1.0)
    async with site.serving() as capture, site.session("strict") as terminal:
        capture.pause()
        await asyncio.to_thread(terminal.expect, "cannot be recorded: capture does not answer")
        capture.signal(signal.SIGCONT)
        await asyncio.to_thread(terminal.wait)
        await site.ends()


async def test_what_outlives_a_session_changes_its_account(site: FaultyNode) -> None:
    late = "setsid sh -c 'sleep 1; /bin/echo late' </dev/null >/dev/null 2>&1 &"
    async with site.serving():
        assert (await site.node.person(roles=["strict"]).ssh(late)).status == 0
        await auntil(lambda: len(site.node.events("session.ledger")) == 2)

    first, second = site.node.events("session.ledger")
    (end,) = site.node.events("session.end")
    assert first["ei"] < end["ei"] < second["ei"]
    assert first["submitted"] == first["stored"]
    assert second["submitted"] == second["stored"]
    assert second["stored"]["command"] == len(site.node.events("session.command"))
    assert first["stored"]["command"] < second["stored"]["command"]


@pytest.mark.parametrize("mode", ["strict", "best_effort"])
async def test_new_sessions_are_recorded_once_capture_is_back(site: FaultyNode, mode: str) -> None:
    async with site.serving() as capture:
        capture.kill()
        refused = await site.node.person(roles=[mode]).ssh("true")
        assert refused.status != 0
        assert "capture" in refused.stderr
        site.start_capture()
        async with site.session(mode) as terminal:
            await site.leave(terminal)
        end = await site.ends()

    (ledger,) = site.node.events("session.ledger", sid=end["sid"])
    assert ledger["submitted"] == ledger["stored"]


async def overflow(site: FaultyNode, capture: Process, terminal: Terminal) -> None:
    """More opens than the ring holds while capture sleeps."""
    capture.pause()
    await asyncio.to_thread(terminal.line, "for i in {1..500}; do : </dev/null; done; echo al''l")
    await asyncio.to_thread(terminal.expect, "all")
    capture.signal(signal.SIGCONT)


async def test_strict_session_that_has_lost_events_ends(site: FaultyNode) -> None:
    async with site.serving(TINY) as capture, site.session("strict") as terminal:
        await overflow(site, capture, terminal)
        await asyncio.to_thread(terminal.expect, "cannot be recorded: events of the kernel were lost")
        await asyncio.to_thread(terminal.wait)
        await site.ends()


async def test_best_effort_session_that_has_lost_events_says_so(site: FaultyNode) -> None:
    async with site.serving(TINY) as capture:
        async with site.session("best_effort") as terminal:
            await overflow(site, capture, terminal)
            await site.leave(terminal)
        end = await site.ends()

    (ledger,) = site.node.events("session.ledger", sid=end["sid"])
    losses = site.node.events("session.loss", sid=end["sid"])
    lost = ledger["lost"]["ring"]["disk"]
    assert lost == sum(loss["lost"]["disk"] for loss in losses) > 0
    assert ledger["submitted"]["disk"] == ledger["stored"]["disk"] + lost
    assert ledger["stored"]["disk"] == len(site.node.events("session.disk", sid=end["sid"]))


@pytest.mark.parametrize("mode", ["strict", "best_effort"])
async def test_without_auth_everything_waits_in_the_spool(site: FaultyNode, mode: str) -> None:
    async with site.serving():
        async with site.session(mode) as terminal:
            await site.leave(terminal)
        await site.ends()

    assert not site.node.events("session.loss", "audit.gap")


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 1 MiB at ``place``."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    """A file that takes all the space there is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(bytes(512))
    return filler


@pytest.fixture(params=["recording", "spool"])
def full(request: pytest.FixtureRequest, site: FaultyNode) -> Iterator[tuple[str, Path]]:
    """A stage of the record and its small disk."""
    boot = site.node.boot
    with small_disk({"recording": boot.upload_dir, "spool": boot.spool_dir}[request.param]) as place:
        yield request.param, place


async def test_strict_session_ends_when_the_disk_is_full(site: FaultyNode, full: tuple[str, Path]) -> None:
    async with site.serving():
        async with site.session("strict") as terminal:
            filler = await asyncio.to_thread(fill, full[1])
            await asyncio.to_thread(terminal.line, FLOOD)
            await asyncio.to_thread(terminal.expect, "cannot be recorded: .*No space left")
            await asyncio.to_thread(terminal.wait)
            filler.unlink()
        (start,) = site.node.events("session.start")
        recording = await auntil(lambda: site.node.recording(start["sid"]))

    assert site.node.events("session.loss") or b"session.loss" in recording["events"]


async def test_best_effort_counts_what_the_full_disk_has_not_taken(
    site: FaultyNode, full: tuple[str, Path]
) -> None:
    stage, place = full
    async with site.serving():
        async with site.session("best_effort") as terminal:
            filler = await asyncio.to_thread(fill, place)
            await asyncio.to_thread(terminal.line, f"{FLOOD}; echo al''l")
            await asyncio.to_thread(terminal.expect, "all")
            filler.unlink()
            await site.leave(terminal)
        end = await site.ends()

    (ledger,) = site.node.events("session.ledger", sid=end["sid"])
    assert ledger["lost"][stage]["command"] > 0
    for kind, submitted in ledger["submitted"].items():
        lost = sum(counts.get(kind, 0) for counts in ledger["lost"].values())
        assert submitted == ledger["stored"].get(kind, 0) + lost
    assert "No space left" in site.node.events("session.loss", sid=end["sid"])[-1]["reason"]
