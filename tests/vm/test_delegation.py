# SPDX-License-Identifier: Apache-2.0
"""What the machine's own daemons start for a session is the session's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, Event, Session, running_lab

MARK = "/bin/echo"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptureHarness]:
    with running_lab(tmp_path_factory.mktemp("capture")) as running:
        yield running


def done_by(daemon: str, session: Session, mark: str) -> Event:
    """The command that says ``mark``, when nothing of the session is left."""
    session.lab.subscriber.closed(session.sid)
    events = session.lab.subscriber.events(session.sid, "session.command")
    [event] = [event for event in events if event["argv"] == [mark]]
    assert event["delegated"]["daemon"] == daemon
    return event


def test_unit_by_the_socket_of_the_manager(lab: CaptureHarness) -> None:
    session = lab.run(["systemd-run", "--unit=asked", MARK, "unit"])

    assert done_by("systemd", session, "unit")["delegated"]["evidence"] == "asked for asked.service"


def test_unit_by_the_bus(lab: CaptureHarness) -> None:
    manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
    unit = ["bus.service", "fail", "1", "ExecStart", "a(sasb)", "1", MARK, "2", MARK, "bus", "false", "0"]
    session = lab.run(["busctl", "call", *manager, "StartTransientUnit", "ssa(sv)a(sa(sv))", *unit])

    assert done_by("systemd", session, "bus")["delegated"]["evidence"] == "asked for bus.service"


def test_unit_that_is_written(lab: CaptureHarness) -> None:
    unit = Path("/etc/systemd/system/written.service")
    content = f"[Service]\\nType=oneshot\\nExecStart={MARK} written\\n"
    session = lab.run(["sh", "-c", f"printf '{content}' > {unit}; systemctl start {unit.name}"])

    assert done_by("systemd", session, "written")["delegated"]["evidence"] == f"wrote {unit}"


def test_at(lab: CaptureHarness) -> None:
    session = lab.run(["sh", "-c", f"echo {MARK} later | at now"])

    done_by("atd", session, "later")


def test_cron(lab: CaptureHarness) -> None:
    table = Path("/etc/cron.d/proctor")
    session = lab.run(["sh", "-c", f"echo '* * * * * root rm {table}; {MARK} minute' > {table}"])

    assert done_by("cron", session, "minute")["delegated"]["evidence"] == f"wrote {table}"
