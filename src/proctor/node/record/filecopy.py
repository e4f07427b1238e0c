# SPDX-License-Identifier: Apache-2.0
"""SFTP operations as audit events."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from proctor.captureproto.byte_text import to_text
from proctor.model.event import sftp_code
from proctor.model.events import SFTP_ACTIONS, Sftp, SftpSummary
from proctor.model.serde import convert


class _Operation(msgspec.Struct, forbid_unknown_fields=True):
    action: str
    working_directory: str = ""
    path: str = ""
    target_path: str = ""
    flags: int = 0
    attributes: dict[str, Any] = {}
    error: str = ""
    file_transfer_stats: list[dict[str, Any]] = []


def sftp_event(report: Mapping[str, Any]) -> Sftp | SftpSummary:
    """The event of one line of the SFTP server's audit; ValueError when it is none."""
    operation = convert(report, _Operation)
    if operation.action == "summary":
        moved = [{**each, "path": _text(str(each.get("path", "")))} for each in operation.file_transfer_stats]
        return SftpSummary(file_transfer_stats=moved)
    number = SFTP_ACTIONS.index(operation.action) + 1
    return Sftp(
        code=sftp_code(number, failed=bool(operation.error)),
        action=number,
        working_directory=_text(operation.working_directory),
        path=_text(operation.path),
        target_path=_text(operation.target_path),
        flags=operation.flags,
        attributes=operation.attributes,
        error=operation.error,
    )


def _text(path: str) -> str:
    """The text of a path that ``os.fsdecode`` has made."""
    return to_text(os.fsencode(path))
