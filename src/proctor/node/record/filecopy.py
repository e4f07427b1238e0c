"""SFTP operations as audit events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from proctor.model.events import SFTP_ACTIONS, Sftp, SftpSummary, sftp_code
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
        return SftpSummary(file_transfer_stats=operation.file_transfer_stats)
    number = SFTP_ACTIONS.index(operation.action) + 1
    return Sftp(
        code=sftp_code(number, failed=bool(operation.error)),
        action=number,
        working_directory=operation.working_directory,
        path=operation.path,
        target_path=operation.target_path,
        flags=operation.flags,
        attributes=operation.attributes,
        error=operation.error,
    )
