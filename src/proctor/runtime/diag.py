"""``diag_addr``: /healthz, /readyz and /metrics over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, make_wsgi_app

from proctor.config.values import Address
from proctor.core.errors import ProctorError
from proctor.model.serde import to_json
from proctor.runtime.capture_metrics import CaptureCollector


class Metrics:
    """Counters of the supervisor about its services."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(namespace="supervisor", registry=self.registry)
        self._up = Gauge("proctor_service_up", "1 when ready", ["service"], registry=self.registry)
        self._restarts = Counter(
            "proctor_service_restarts", "Starts after an unwanted end", ["service"], registry=self.registry
        )

    def watch_capture(self, socket: Path) -> None:
        """Show what the capture service at ``socket`` counts, too."""
        self.registry.register(CaptureCollector(socket))

    def up(self, service: str, ready: bool) -> None:
        """Note whether ``service`` is ready."""
        self._up.labels(service).set(int(ready))

    def restarted(self, service: str) -> None:
        """Count one restart."""
        self._restarts.labels(service).inc()


class _Handler(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
        """Requests are not logged."""


class _Server(WSGIServer):
    def server_bind(self) -> None:
        """Bind without asking a name server what we are called."""
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class DiagServer:
    """Answers on ``address`` from a thread of its own; ``states`` gives each service's readiness."""

    def __init__(self, address: Address, metrics: Metrics, states: Callable[[], Mapping[str, bool]]) -> None:
        self._states = states
        self._metrics = make_wsgi_app(metrics.registry)
        try:
            kind = _Server6 if ":" in address.host else _Server
            self._server = make_server(address.host, address.port, self._respond, kind, _Handler)
        except OSError as error:
            raise ProctorError(f"diag_addr {address}: {error.strerror}") from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="diag", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def _respond(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return self._metrics(environ, start_response)  # type: ignore[no-any-return]
        states = dict(self._states())
        status, body = HTTPStatus.OK, {"status": "ok"}
        if path == "/readyz" and not (states and all(states.values())):
            waiting = ", ".join(name for name, ready in states.items() if not ready)
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, {"status": f"not ready: {waiting or 'starting'}"}
        elif path not in {"/healthz", "/readyz"}:
            status, body = HTTPStatus.NOT_FOUND, {"status": "no such page"}
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [to_json(body)]
