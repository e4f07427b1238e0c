# SPDX-License-Identifier: Apache-2.0
"""A technique tried in a recorded session, while another session is open beside it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proctor.capture.kernel.loader import AUTO
from proctor.captureproto.capture_messages import KernelEvents, LossAccounting
from proctor.model.network import NetworkPolicy
from proctor.spawner.child import give_up_raw_sockets
from testing.capture import CaptureHarness, running_lab
from testing.evasion.ground import TechniqueSandbox
from testing.evasion.verdict import Event, shows


@dataclass(frozen=True)
class TechniqueResult:
    """What became of it. ``attributed``: it was seen, and in no other session. ``account``: the session's."""

    worked: bool
    seen: bool
    attributed: bool
    events: list[Event]
    account: LossAccounting | None = None


@contextmanager
def crowded_lab(directory: Path) -> Iterator[CaptureHarness]:
    """A lab with the rings of ``auto``, and a session in which nothing happens."""
    with running_lab(directory, AUTO) as lab, lab.session(["sleep", "infinity"]) as bystander:
        try:
            yield lab
        finally:
            os.kill(bystander.child.pid, signal.SIGKILL)


NOWHERE = NetworkPolicy(allow=())


def attempt(
    lab: CaptureHarness, ground: TechniqueSandbox, network: NetworkPolicy | None = None
) -> TechniqueResult:
    """Run the technique of ``ground`` in a session, to the end of the last process that it left behind."""

    def enter() -> None:
        if network is not None:
            give_up_raw_sockets()
        ground.enter()

    ground.recorder = lab.process.pid
    before = len(lab.subscriber.messages)
    session = lab.run(enter, network=network)
    account = lab.subscriber.closed(session.sid).account
    sids = {message.sid for message in lab.subscriber.messages[before:] if isinstance(message, KernelEvents)}
    events = {sid: lab.subscriber.events(sid) for sid in sids}
    where = {sid for sid in sids if any(shows(event, ground) for event in events[sid])}
    return TechniqueResult(
        worked=ground.worked,
        seen=bool(where),
        attributed=where == {session.sid},
        events=events.get(session.sid, []),
        account=account,
    )
