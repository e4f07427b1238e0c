import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from proctor.config.values import Address
from proctor.core.errors import ProctorError
from proctor.runtime.diag import DiagServer, Metrics

STATES = {"auth": True, "proxy": False}


@pytest.fixture
def server() -> Iterator[DiagServer]:
    metrics = Metrics()
    metrics.up("auth", True)
    metrics.restarted("proxy")
    server = DiagServer(Address("127.0.0.1", 0), metrics, lambda: STATES)
    yield server
    server.close()


def fetch(server: DiagServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_alive_whatever_the_services_do(server: DiagServer) -> None:
    assert fetch(server, "/healthz") == (200, '{"status":"ok"}')


def test_ready_when_all_services_are(server: DiagServer, monkeypatch: pytest.MonkeyPatch) -> None:
    status, body = fetch(server, "/readyz")
    assert status == 503
    assert json.loads(body) == {"status": "not ready: proxy"}
    monkeypatch.setitem(STATES, "proxy", True)
    assert fetch(server, "/readyz")[0] == 200


def test_metrics(server: DiagServer) -> None:
    status, body = fetch(server, "/metrics")
    assert status == 200
    assert 'proctor_service_up{service="auth"} 1.0' in body
    assert 'proctor_service_restarts_total{service="proxy"} 1.0' in body
    assert "supervisor_process_resident_memory_bytes" in body


def test_nothing_else(server: DiagServer) -> None:
    assert fetch(server, "/debug")[0] == 404


def test_a_taken_address_is_named(server: DiagServer) -> None:
    with pytest.raises(ProctorError, match=f"diag_addr 127.0.0.1:{server.port}: Address already in use"):
        DiagServer(Address("127.0.0.1", server.port), Metrics(), lambda: STATES)
