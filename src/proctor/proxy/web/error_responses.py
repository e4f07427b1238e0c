# SPDX-License-Identifier: Apache-2.0
"""Every error leaves as ``{"error": {"message", "hint"}}``, whatever raised it; no traceback does."""

from __future__ import annotations

import http
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from proctor.core import errors
from proctor.core.errors import ProctorError

_STATUS: dict[type[ProctorError], int] = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.AccessDenied: 403,
    errors.NotFound: 404,
    errors.AlreadyExists: 409,
    errors.IncompatibleVersion: 426,
    errors.LimitExceeded: 429,
    errors.Unavailable: 503,
}


def answer(status: int, message: str, hint: str = "") -> JSONResponse:
    """An error as the web API tells it."""
    return JSONResponse({"error": {"message": message, "hint": hint}}, status_code=status)


def status_of(error: ProctorError) -> int:
    """The HTTP status of ``error``; 500 for a class that has none."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)


def install(app: FastAPI) -> None:
    """Have ``app`` answer all errors in this way."""

    @app.exception_handler(ProctorError)
    async def known(_request: Request, error: ProctorError) -> JSONResponse:
        return answer(status_of(error), error.message, error.hint)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(400, _complaint(error.errors()))

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, http.HTTPStatus(error.status_code).phrase)

    @app.exception_handler(Exception)
    async def unforeseen(_request: Request, _error: Exception) -> JSONResponse:
        return answer(500, "internal error; the log of the proxy has the details")


def _complaint(problems: Sequence[dict[str, object]]) -> str:
    """Return place and reason, never the value: it may be a password."""
    first = problems[0]
    location = first["loc"]
    where = ".".join(map(str, location[1:])) if isinstance(location, tuple) else ""
    return f"{where or 'request'}: {first['msg']}"
