from __future__ import annotations

import pytest

from proctor.spawnerproto.scp import ScpCommand, parse_scp


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("scp -t /tmp/x", ScpCommand("upload", "/tmp/x")),
        ("scp -f .", ScpCommand("download", ".")),
        ("/usr/bin/scp -v -r -p -d -t -- 'a b'", ScpCommand("upload", "a b")),
        ("scp -rpf x", ScpCommand("download", "x")),
        ("scp one two", None),
        ("scp", None),
        ("echo scp -t x", None),
        ("scp -t 'unbalanced", None),
        ("scp --target x", None),
    ],
)
def test_scp_is_recognised(command: str, expected: ScpCommand | None) -> None:
    assert parse_scp(command) == expected
