"""A technique tried in a recorded session, while another session is open beside it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from proctor.bpf.messages import Events
from tests.kernel.evasion.ground import Ground
from tests.kernel.evasion.verdict import Event, shows
from tests.support.capture import Lab, Session


@dataclass(frozen=True)
class Trial:
    """What became of it. ``attributed``: it was seen, and in no other session."""

    worked: bool
    seen: bool
    attributed: bool
    events: list[Event]


@contextmanager
def bystander(lab: Lab) -> Iterator[Session]:
    """A session in which nothing happens."""
    with lab.session(["sleep", "infinity"]) as session:
        try:
            yield session
        finally:
            os.kill(session.child.pid, signal.SIGKILL)


def attempt(lab: Lab, ground: Ground) -> Trial:
    """Run the technique of ``ground`` in a session, to the end of the last process that it left behind."""
    before = len(lab.subscriber.messages)
    session = lab.run(ground.enter)
    lab.subscriber.closed(session.sid)
    batches = [message for message in lab.subscriber.messages[before:] if isinstance(message, Events)]
    where = {batch.sid for batch in batches for event in batch.events if shows(event, ground)}
    return Trial(
        worked=ground.worked,
        seen=bool(where),
        attributed=where == {session.sid},
        events=lab.subscriber.events(session.sid),
    )
