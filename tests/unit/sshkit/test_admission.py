# SPDX-License-Identifier: Apache-2.0
import pytest

from proctor.sshkit import admission
from proctor.sshkit.admission import UnauthenticatedConnections


class Connection:
    def __init__(self) -> None:
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_UNAUTHENTICATED", 6)
    monkeypatch.setattr(admission, "MAX_PER_NETWORK", 3)


def added(waiting: UnauthenticatedConnections[Connection], count: int, address: str) -> list[Connection]:
    connections = [Connection() for _ in range(count)]
    for connection in connections:
        waiting.add(connection, address)
    return connections


def test_one_network_takes_its_own_places_only() -> None:
    waiting: UnauthenticatedConnections[Connection] = UnauthenticatedConnections()
    (other,) = added(waiting, 1, "192.0.2.2:22")
    flood = added(waiting, 100, "192.0.2.1:22")
    assert not other.dropped
    assert [connection.dropped for connection in flood] == [True] * 97 + [False] * 3
    assert len(waiting) == 4


def test_the_client_with_most_connections_loses_one() -> None:
    waiting: UnauthenticatedConnections[Connection] = UnauthenticatedConnections()
    flood = added(waiting, 3, "192.0.2.1")
    others = [added(waiting, 1, f"192.0.2.{number}")[0] for number in range(2, 7)]
    assert [connection.dropped for connection in flood] == [True, True, False]
    assert not any(connection.dropped for connection in others)


def test_hosts_behind_one_address() -> None:
    waiting: UnauthenticatedConnections[Connection] = UnauthenticatedConnections(shared=True)
    flood = added(waiting, 7, "192.0.2.1")
    assert [connection.dropped for connection in flood] == [True] + [False] * 6


def test_who_has_logged_in_is_not_counted() -> None:
    waiting: UnauthenticatedConnections[Connection] = UnauthenticatedConnections()
    first, *_ = added(waiting, 3, "2001:db8::1")
    waiting.remove(first)
    waiting.remove(first)
    added(waiting, 1, "2001:db8::2")
    assert not first.dropped
    assert len(waiting) == 3
