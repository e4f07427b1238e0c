# SPDX-License-Identifier: Apache-2.0
"""The web page itself: a handful of files, read once, and a shell whose inline styles need a nonce."""

from __future__ import annotations

import gzip
import mimetypes
import secrets
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from proctor.core.errors import NotFound

NONCE = b"PROCTOR_CSP_NONCE"
"""Stands in index.html for the nonce of each answer."""

_INDEX = "index.html"
_COMPRESSIBLE = 1024
_MISSING = b"<!doctype html><title>Proctor</title><p>The web page was not built. Build it with: ./run setup"
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    """A file of the page, and the same compressed where that is worth it."""

    content: bytes
    media_type: str
    packed: bytes = b""


def load_bundle(directory: Traversable | None = None) -> dict[str, Asset]:
    """The files of the page by path; empty when it was not built."""
    root = directory or files("proctor.proxy") / "_web"
    return dict(_walk(root, "")) if root.is_dir() else {}


def _walk(directory: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found = []
    for child in directory.iterdir():
        if child.is_dir():
            found += _walk(child, f"{prefix}{child.name}/")
        else:
            found.append((prefix + child.name, _asset(child.name, child.read_bytes())))
    return found


def _asset(name: str, content: bytes) -> Asset:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = media_type.startswith("text/") or media_type.endswith(("javascript", "json", "svg+xml"))
    packed = gzip.compress(content, mtime=0) if text and len(content) > _COMPRESSIBLE else b""
    return Asset(content, media_type, packed)


@router.get("/")
async def root() -> RedirectResponse:
    """The page lives below /web/."""
    return RedirectResponse("/web/", status_code=307)


@router.get("/web/assets/{path:path}")
async def asset(path: str, request: Request) -> Response:
    """A file whose name changes with its content, so browsers may keep it."""
    bundle: dict[str, Asset] = request.app.state.bundle
    found = bundle.get(f"assets/{path}")
    if found is None:
        raise NotFound("there is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    accepted = {
        part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")
    }
    if found.packed and "gzip" in accepted:
        headers["Content-Encoding"] = "gzip"
        return Response(found.packed, media_type=found.media_type, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


@router.get("/web")
@router.get("/web/{path:path}")
async def shell(request: Request) -> Response:
    """The page, whatever its own router makes of the rest of the path."""
    bundle: dict[str, Asset] = request.app.state.bundle
    nonce = secrets.token_urlsafe(16)
    content = bundle[_INDEX].content if _INDEX in bundle else _MISSING
    policy = (
        "default-src 'none'; connect-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:; "
        f"style-src 'self' 'nonce-{nonce}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    body = content.replace(NONCE, nonce.encode())
    return Response(body, media_type="text/html", headers={"Content-Security-Policy": policy})
