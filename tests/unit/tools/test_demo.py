import errno

import pytest

from tools.demo import describe


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("session.network", 0, "curl → 192.0.2.1:80"),
        ("session.network", -errno.EINPROGRESS, "curl → 192.0.2.1:80 (started)"),
        ("session.network", -errno.ECONNREFUSED, "curl → 192.0.2.1:80 (Connection refused)"),
        ("session.outcome", 0, "curl → 192.0.2.1:80 (connected)"),
        ("session.outcome", -errno.ETIMEDOUT, "curl → 192.0.2.1:80 (Connection timed out)"),
    ],
)
def test_connections(name: str, code: int, text: str) -> None:
    event = {
        "event": name,
        "program": "curl",
        "dst_addr": "192.0.2.1",
        "dst_port": 80,
        "return_code": code,
    }
    assert describe(event) == text
