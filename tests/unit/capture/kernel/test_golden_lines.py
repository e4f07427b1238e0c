# SPDX-License-Identifier: Apache-2.0
"""Lines of records byte by byte: they wait on hosts, where another version of the node may fill them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proctor.capture.kernel.abi import Flag, Operation, Technique
from testing.kernel_records import OWNER, block_of, command, connection, formatted, opened, tampering

GOLDEN = Path(__file__).parents[3] / "golden/event-lines.json"
FLAGS = [
    Flag(0),
    Flag.DETACHED,
    Flag.DETACHED_CWD | Flag.DETACHED,
    Flag.DELETED | Flag.VIA_IO_URING,
    Flag.UNRESOLVED | Flag.CUT_PATH | Flag.CUT_ARGS,
]


def records() -> dict[str, bytes]:
    """A record of each kind, with each of the flags and each value that decides what is in its line."""
    found = {f"command {int(flags)}": command(b"ls\0-l a\0", flags=flags) for flags in FLAGS}
    found |= {f"disk {int(flags)}": opened(b"/etc/x", flags=flags) for flags in FLAGS}
    found["command all texts"] = command(
        b"a\0b\0", tty=b"pts3", env=b"LD_X=1\0LD_X=2\0", interpreter=b"/bin/sh", cwd=b"/", path=b"./a"
    )
    found["command of the linker"] = command(b"a\0", exe=b"/lib/ld-musl-x86_64.so.1")
    for operation in Operation:
        if operation is not Operation.NONE:
            found[f"network {operation.name}"] = connection("::1", "192.0.2.1", operation=operation)
    found["network denied"] = connection("::", "::ffff:192.0.2.1", denied=True, result=-1)
    for technique in Technique:
        if technique is not Technique.NONE:
            record = tampering(technique, argument=9, target=7, text=b"init", result=-1)
            found[f"tamper {technique.name}"] = record
    return found


def lines_of(record: bytes) -> list[str]:
    owners = (OWNER, OWNER._replace(detached=True, delegated=b',"delegated":{"daemon":"cron"}'))
    return [formatted(block_of(record), owner).batches[0].lines.decode() for owner in owners]


@pytest.mark.parametrize(("name", "record"), records().items())
def test_lines_are_the_golden_ones(name: str, record: bytes) -> None:
    assert lines_of(record) == json.loads(GOLDEN.read_text())[name]
