# SPDX-License-Identifier: Apache-2.0
"""The measured program, in a session or outside, on a processor of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from testing.capture import CaptureHarness

HERE = Path(__file__).parent
MEASURED_CPU, OTHER_CPU = 0, 1
COUNTS = {
    "getppid": 200_000,
    "open_hit": 20_000,
    "open_miss": 40_000,
    "fork": 150,
    "exec": 60,
    "connect": 3_000,
}
"""Operations, and how often each is done for one sample: some tens of milliseconds."""


def build(directory: Path) -> tuple[Path, Path]:
    """Compile the probe and the program that does nothing into ``directory``."""
    probe, noop = directory / "probe", directory / "noop.bpf.o"
    machine = subprocess.run(["cc", "-dumpmachine"], check=True, capture_output=True, text=True).stdout
    subprocess.run(["cc", "-O2", "-static", "-Wall", str(HERE / "probe.c"), "-o", str(probe)], check=True)
    kernel = ["clang", "-target", "bpf", "-O2", "-g", f"-I/usr/include/{machine.strip()}"]
    subprocess.run([*kernel, "-c", str(HERE / "noop.bpf.c"), "-o", str(noop)], check=True)
    return probe, noop


class Probe:
    """The two ends of a probe's pipes."""

    def __init__(self) -> None:
        self.theirs_in, self._in = os.pipe()
        self._out, self.theirs_out = os.pipe()

    def become(self, argv: Sequence[str]) -> None:
        """In the child: be the probe."""
        os.sched_setaffinity(0, {MEASURED_CPU})
        os.dup2(self.theirs_in, 0)
        os.dup2(self.theirs_out, 1)
        for descriptor in (self.theirs_in, self.theirs_out, self._in, self._out):
            os.close(descriptor)
        os.execvp(argv[0], list(argv))

    def started(self) -> None:
        """In the parent, once the child has its ends."""
        os.close(self.theirs_in)
        os.close(self.theirs_out)

    def sample(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Nanoseconds that one of each operation takes. Raises RuntimeError when one fails."""
        return {operation: self._nanoseconds(operation, count) for operation, count in counts.items()}

    def _nanoseconds(self, operation: str, count: int) -> float:
        os.write(self._in, f"{operation} {count}\n".encode())
        answer = os.read(self._out, 64)
        if not answer or int(answer) < 0:
            raise RuntimeError(f"the probe cannot {operation}")
        return int(answer) / count

    def close(self) -> None:
        """Let it end."""
        os.close(self._in)
        os.close(self._out)


@contextmanager
def outside(argv: Sequence[str]) -> Iterator[Probe]:
    """A probe that belongs to no session; ``argv`` may put another program around it."""
    probe = Probe()
    pid = os.fork()
    if pid == 0:
        try:
            probe.become(argv)
        finally:
            os._exit(99)
    probe.started()
    try:
        yield probe
    finally:
        probe.close()
        os.waitpid(pid, 0)


@contextmanager
def inside(lab: CaptureHarness, argv: Sequence[str]) -> Iterator[Probe]:
    """A probe that is a session of ``lab``."""
    probe = Probe()
    main: Callable[[], object] = lambda: probe.become(argv)  # noqa: E731 - it runs in the child
    with lab.session(main):
        probe.started()
        try:
            yield probe
        finally:
            probe.close()


def keep_off(pid: int) -> None:
    """Move every thread of ``pid`` to the processor that is not measured."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {OTHER_CPU})
