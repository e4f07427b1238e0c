# SPDX-License-Identifier: Apache-2.0
"""Many sessions at once, and many agents."""

from __future__ import annotations

import os
import resource
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, Session, running_lab

CROWD = 1100
SHELL_LIMIT = 1024


@contextmanager
def descriptors(soft: int) -> Iterator[None]:
    """Of ourselves and what we start, so many at most."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptureHarness]:
    """One that was started with as few descriptors as a login shell or systemd would give it."""
    with ExitStack() as stack:
        with descriptors(SHELL_LIMIT):
            lab = stack.enter_context(running_lab(tmp_path_factory.mktemp("crowd")))
        yield lab


def resident(pid: int) -> int:
    """Bytes of memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def action(path: Path, gate: tuple[int, int]) -> Callable[[], None]:
    """A command that opens ``path``; then the session is idle until the gate opens."""

    def do() -> None:
        os.close(gate[1])
        pid = os.fork()
        if pid == 0:
            os.execv("/bin/cat", ["cat", str(path)])
        os.waitpid(pid, 0)
        os.read(gate[0], 1)

    return do


def actions(session: Session, directory: Path) -> tuple[list[str], list[str]]:
    """What was executed, and which files of ``directory`` were opened."""
    commands = [event["argv"][0] for event in session.commands]
    opens = [event["path"] for event in session.opens if event["path"].startswith(str(directory))]
    return commands, opens


def test_more_than_a_thousand_sessions_at_once(lab: CaptureHarness, tmp_path: Path) -> None:
    files = [tmp_path / str(uuid.uuid4()) for _ in range(CROWD)]
    for path in files:
        path.touch()
    gate = os.pipe()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = resident(lab.process.pid)

    with descriptors(hard), ExitStack() as stack:
        sessions = [stack.enter_context(lab.session(action(path, gate))) for path in files]
        assert list(lab.status()["sessions"].values()) == ["open"] * CROWD
        each = (resident(lab.process.pid) - before) // CROWD
        os.close(gate[1])
        os.close(gate[0])

    for session, path in zip(sessions, files, strict=True):
        assert actions(session, tmp_path) == ([str(path)], [str(path)])
        assert lab.subscriber.drained(session.sid).lost == {}
    assert each < 64 << 10, "memory of an idle session"


def test_agents_do_not_disturb_each_other(tmp_path: Path) -> None:
    def work(name: str) -> list[str]:
        return ["sh", "-c", f"for i in $(seq 100); do /bin/echo {name}; cat {tmp_path}/{name}; done"]

    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    with ExitStack() as stack:
        left, right = (stack.enter_context(running_lab(tmp_path / name)) for name in ("left", "right"))
        with left.session(work("left/left")) as one, right.session(work("right/right")) as other:
            pass
        seen = {name: actions(session, tmp_path) for name, session in (("left", one), ("right", other))}

        for name, (commands, opens) in seen.items():
            assert opens == [str(tmp_path / name / name)] * 100
            assert commands.count(f"{name}/{name}") == 100
        for lab, session in ((left, one), (right, other)):
            assert {getattr(message, "sid", session.sid) for message in lab.subscriber.messages} == {
                session.sid
            }


def test_an_agent_goes_while_another_records(lab: CaptureHarness, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with lab.session(["sh", "-c", f"read line < {pipe}; exec /bin/echo after"]) as session:
        with running_lab(tmp_path) as other:
            assert other.run(["/bin/echo", "elsewhere"]).commands[0]["argv"] == ["elsewhere"]
        pipe.write_text("go\n")

    assert [event["argv"] for event in session.commands if event["path"] == "/bin/echo"] == [["after"]]
