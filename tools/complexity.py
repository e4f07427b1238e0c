# SPDX-License-Identifier: Apache-2.0
"""How much work the kernel's verifier has with each program: ``bpf/complexity.json``, and limits on it.

The numbers are those of one kernel; on another series the verifier works differently.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import msgspec

from proctor.capture.kernel.capability_report import kernel_version
from proctor.capture.kernel.kernel_features import SECOND_LINE, VARIANTS
from proctor.capture.kernel.loader import measures
from proctor.core.errors import ProctorError
from tools.runner.paths import ROOT

TRACKED = ROOT / "bpf/complexity.json"
MOST_VERIFIED = 900_000
"""Of the million instructions that a verifier walks through; what is left is for those of other kernels."""
GROWTH = 1.25
_SAID = re.compile(
    r"stack depth (?P<stack>[\d+]+)\nprocessed (?P<verified>\d+) insns .*total_states (?P<states>\d+)"
)


class Complexity(msgspec.Struct, frozen=True, kw_only=True):
    """Of one program: its instructions, how many the verifier walked through, in how many states.

    ``stack``: bytes of the largest of its functions.
    """

    instructions: int
    verified: int
    states: int
    stack: int


Table = dict[str, dict[str, Complexity]]


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers on a series of kernels, by object and program."""

    kernel: str
    objects: Table


def series() -> str:
    """Of the running kernel: its major and minor number."""
    return ".".join(map(str, kernel_version(os.uname().release)))


def measure() -> Table:
    """The numbers on the running kernel, of what every kernel takes. Raises OSError when it does not."""
    table = {}
    for variant in VARIANTS:
        table[variant.name] = {
            name: _parse(instructions, said)
            for name, (instructions, said) in sorted(measures(variant, SECOND_LINE).items())
        }
    return table


def _parse(instructions: int, said: str) -> Complexity:
    match = _SAID.search(said)
    if match is None:
        raise ValueError(f"what the verifier says is not understood: {said!r}")
    stack = max(map(int, match["stack"].split("+")))
    return Complexity(
        instructions=instructions, verified=int(match["verified"]), states=int(match["states"]), stack=stack
    )


def tracked() -> Tracked:
    """What was written down."""
    return msgspec.json.decode(TRACKED.read_bytes(), type=Tracked)


def excesses(before: Table, now: Table, *, comparable: bool) -> list[str]:
    """A sentence for each program that is too complex, or grew too much when ``comparable``."""
    found = []
    for variant, programs in now.items():
        for name, complexity in programs.items():
            verified, known = complexity.verified, before.get(variant, {}).get(name)
            if verified > MOST_VERIFIED:
                found.append(f"{variant}, {name}: {verified} instructions, more than {MOST_VERIFIED}")
            if comparable and known is not None and verified > known.verified * GROWTH:
                found.append(f"{variant}, {name}: {verified} instructions, were {known.verified}")
    return found


def main() -> int:
    """Write the numbers of the running kernel down; the exit status."""
    try:
        found = Tracked(kernel=series(), objects=measure())
    except (OSError, ProctorError) as error:
        print(f"the kernel refuses a program: {error}", file=sys.stderr)
        return 1
    content: Any = msgspec.to_builtins(found)
    TRACKED.write_text(json.dumps(content, indent=1) + "\n")
    for variant, programs in found.objects.items():
        for name, complexity in programs.items():
            print(f"{variant:<13} {name:<20} {complexity.verified:>7} verified  {complexity.stack:>4} stack")
    return 0


if __name__ == "__main__":
    sys.exit(main())
