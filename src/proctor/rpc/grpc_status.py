# SPDX-License-Identifier: Apache-2.0
"""ProctorError to gRPC status and back; the hint travels in trailing metadata."""

from __future__ import annotations

import grpc

from proctor.core import errors
from proctor.core.errors import ProctorError
from proctor.core.net import connection_failure

HINT = "proctor-hint-bin"
KIND = "proctor-error"

_STATUS: dict[type[ProctorError], grpc.StatusCode] = {
    errors.BadRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.AccessDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.LimitExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.IncompatibleVersion: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.Corrupted: grpc.StatusCode.DATA_LOSS,
}
_KINDS = {kind.__name__: kind for kind in _STATUS}


def status_of(error: ProctorError) -> grpc.StatusCode:
    """The status code of ``error``; UNKNOWN for a class that has none."""
    for kind in type(error).__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return grpc.StatusCode.UNKNOWN


def trailers(error: ProctorError) -> tuple[tuple[str, str | bytes], ...]:
    """Trailing metadata that carry what the status code cannot."""
    kind = next((base.__name__ for base in type(error).__mro__ if base in _STATUS), "")
    return ((KIND, kind), (HINT, error.hint.encode()))


def translated(error: grpc.RpcError, address: str = "") -> ProctorError:
    """The ProctorError that the server raised, or Unavailable when the call did not get to ``address``."""
    if not isinstance(error, grpc.aio.AioRpcError):
        return ProctorError(f"the Auth Service failed: {error}")
    code, message = error.code(), error.details() or ""
    metadata: dict[str, str | bytes] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    hint = metadata.get(HINT, b"")
    kind = _KINDS.get(str(metadata.get(KIND, "")))
    if kind is not None:
        return kind(message, hint=hint.decode(errors="replace") if isinstance(hint, bytes) else hint)
    if code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}:
        where = f" at {address}" if address else ""
        return errors.Unavailable(f"the Auth Service cannot be reached{where}: {connection_failure(message)}")
    return ProctorError(f"the Auth Service failed: {message}")
