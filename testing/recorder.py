# SPDX-License-Identifier: Apache-2.0
"""A process that records as fast as it can and says what was accepted, to be killed at any moment.

``python -m testing.recorder DIRECTORY SID``: after each call that returned, a line on stdout:
``event UID`` or ``output NUMBER`` or ``flush``.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
from pathlib import Path

from proctor.model.events import SessionCommand, SessionStart
from proctor.recording.writer import SessionWriter


def piece(number: int) -> bytes:
    """Output number ``number``: recognisable, of varying length."""
    return f"<{number}:".encode() + b"x" * (number * 37 % 900) + b">"


def main(directory: Path, sid: str) -> None:
    """Record until killed."""
    writer = SessionWriter(directory, sid)
    chance = random.Random(sid)
    say(f"event {writer.event(SessionStart(sid=sid, user='alice', size='80:24'))['uid']}")
    for number in itertools.count():
        writer.output(piece(number))
        say(f"output {number}")
        if chance.random() < 0.3:
            say(f"event {writer.event(SessionCommand(sid=sid, path='/bin/ls'))['uid']}")
        if chance.random() < 0.1:
            writer.flush()
            say("flush")


def say(line: str) -> None:
    """One write, so that a killed process leaves whole lines only."""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
