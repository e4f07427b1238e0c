# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from proctor.spawnerproto.scp import ScpCommand, parse_scp


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"scp -t /tmp/x", ScpCommand("upload", b"/tmp/x")),
        (b"scp -f .", ScpCommand("download", b".")),
        (b"/usr/bin/scp -v -r -p -d -t -- 'a b'", ScpCommand("upload", b"a b")),
        (b"scp -rpf x", ScpCommand("download", b"x")),
        (b"scp one two", None),
        (b"scp", None),
        (b"echo scp -t x", None),
        (b"scp -t 'unbalanced", None),
        (b"scp -t /tmp/b\xfcro", ScpCommand("upload", b"/tmp/b\xfcro")),
        (b"scp --target x", None),
    ],
)
def test_scp_is_recognised(command: bytes, expected: ScpCommand | None) -> None:
    assert parse_scp(command) == expected
