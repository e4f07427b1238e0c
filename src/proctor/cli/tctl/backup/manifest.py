# SPDX-License-Identifier: Apache-2.0
"""The manifest of a backup: every file with its size and SHA-256, and which names there may be."""

from __future__ import annotations

import hashlib
import re

import msgspec

from proctor.core.errors import Corrupted
from proctor.model.serde import from_json, to_json

NAME = "manifest.json"
FORMAT = 1
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KINDS = r"(?:chunks|events|session\.command-events|session\.disk-events|session\.network-events)"
_ALLOWED = re.compile(
    "host_uuid"
    r"|backend/(?:state\.sqlite|audit-cursors|audit-log\.json|audit-days\.json|audit-uids\.[01]|retention\.json)"
    rf"|backend/recordings/completed/{_UUID}\.json"
    rf"|log/{_UUID}/\d{{4}}-\d\d-\d\d\.00:00:00\.log(?:\.gz)?"
    rf"|log/{_UUID}/sessions/default/{_UUID}(?:\.index|-0\.{_KINDS}\.gz)"
)


class BackedUp(msgspec.Struct, frozen=True):
    """One file."""

    size: int
    sha256: str


class BackupManifest(msgspec.Struct, kw_only=True):
    """Content of a backup. ``position``: date of the last day of the audit log, and bytes of it."""

    format: int = FORMAT
    version: str
    created: str
    host_uuid: str
    position: str
    files: dict[str, BackedUp] = {}
    sha256: str = ""
    """Of this manifest's JSON while this field is empty."""


def check_name(name: str) -> str:
    """``name`` itself; raises Corrupted when a backup has no such file."""
    if not _ALLOWED.fullmatch(name):
        raise Corrupted(f"not a file of a backup: {name[:100]!r}")
    return name


def encode(described: BackupManifest) -> bytes:
    """JSON with its own checksum."""
    return to_json(msgspec.structs.replace(described, sha256=_digest(described)))


def _digest(described: BackupManifest) -> str:
    return hashlib.sha256(to_json(msgspec.structs.replace(described, sha256=""))).hexdigest()


def decode(data: bytes) -> BackupManifest:
    """The manifest in ``data``. Raises Corrupted."""
    found = from_json(data, BackupManifest)
    if found.format != FORMAT:
        raise Corrupted(f"the backup has format {found.format}; this version reads {FORMAT}")
    if found.sha256 != _digest(found):
        raise Corrupted("the manifest of the backup is damaged")
    for name in found.files:
        check_name(name)
    return found
