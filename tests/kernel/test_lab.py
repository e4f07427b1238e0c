# SPDX-License-Identifier: Apache-2.0
"""The lab in which the kernel is tested."""

from __future__ import annotations

import os
from typing import ClassVar

from testing.capture import CaptureHarness


class Cycle:
    """Something that only the garbage collector ends, and the processes in which it did."""

    ends: ClassVar[list[int]] = []

    def __init__(self) -> None:
        self.myself = self

    def __del__(self) -> None:
        self.ends.append(os.getpid())


def test_children_end_nothing_of_their_parent(lab: CaptureHarness) -> None:
    """An object may wait for a thread when it ends, and children have none of their parent's threads."""

    def allocate() -> None:
        kept = [[number] for number in range(100_000)]
        os._exit(len(kept) == 100_000 and os.getpid() in Cycle.ends)

    Cycle()
    session = lab.run(allocate)

    assert session.status == 0
