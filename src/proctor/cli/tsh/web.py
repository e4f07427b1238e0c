# SPDX-License-Identifier: Apache-2.0
"""The proxy's web API, as far as logging in needs it."""

from __future__ import annotations

import http.client
import json
import logging
import ssl
from typing import Any

from proctor.config.values import read_address
from proctor.core.errors import (
    AccessDenied,
    BadRequest,
    IncompatibleVersion,
    LimitExceeded,
    NotFound,
    ProctorError,
    Unauthenticated,
    Unavailable,
)
from proctor.core.net import connection_failure
from proctor.core.version import VERSION

DEFAULT_PORT = 3080
_TIMEOUT = 20.0
_MAX_ANSWER = 1 << 20
_log = logging.getLogger(__name__)
_KINDS: dict[int, type[ProctorError]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: AccessDenied,
    404: NotFound,
    426: IncompatibleVersion,
    429: LimitExceeded,
    502: Unavailable,
    503: Unavailable,
}


def proxy_address(text: str) -> str:
    """``host:port`` of a proxy given as ``host``, ``host:port`` or ``https://…``. Raises BadRequest."""
    try:
        return str(read_address(text.rstrip("/"), DEFAULT_PORT))
    except ValueError as error:
        raise BadRequest(f"--proxy: {error}", hint="Expected host or host:port.") from None


class WebClient:
    """Calls the proxy at ``address``; ``insecure`` accepts whatever certificate it shows."""

    def __init__(self, address: str, *, insecure: bool = False) -> None:
        self._address = address
        self._context = ssl.create_default_context()
        if insecure:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    def ping(self) -> dict[str, Any]:
        """Fetch the proxy's description of itself, before any login."""
        return self._call("GET", "/webapi/ping")

    def certificates(self, request: dict[str, Any]) -> dict[str, Any]:
        """Log in: password and one-time code against certificates. Raises Unauthenticated."""
        return self._call("POST", "/webapi/ssh/certs", request)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        address = read_address(self._address, DEFAULT_PORT)
        connection = http.client.HTTPSConnection(
            address.host, address.port, timeout=_TIMEOUT, context=self._context
        )
        headers = {"Content-Type": "application/json", "X-Proctor-Version": VERSION}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            data = response.read(_MAX_ANSWER)
            _log.debug("%s https://%s%s: HTTP %d", method, self._address, path, response.status)
        except ssl.SSLCertVerificationError as error:
            raise Unavailable(
                f"the certificate of the proxy {self._address} is not trusted: {error.verify_message}",
                hint="If that proxy uses a self-signed certificate, and is the one you mean: --insecure",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"the proxy {self._address} does not answer: {connection_failure(error)}",
                hint=f"Give the address of its web page; the port is {DEFAULT_PORT} unless it was changed.",
            ) from None
        finally:
            connection.close()
        return self._decoded(response.status, data)

    def _decoded(self, status: int, data: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unavailable(f"{self._address} did not answer as a proxy does (HTTP {status})")
        if status < 400:
            return answer
        error = answer.get("error")
        details = error if isinstance(error, dict) else {}
        message = str(details.get("message") or f"the proxy refused (HTTP {status})")
        raise _KINDS.get(status, ProctorError)(message, hint=str(details.get("hint") or ""))
