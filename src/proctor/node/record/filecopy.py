"""File copies as audit events: SFTP operations, and commands that are the old scp protocol's server."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from proctor.model.events import SFTP_ACTIONS, Sftp, SftpSummary, sftp_code
from proctor.model.serde import convert


class ScpCommand(NamedTuple):
    """``scp -t PATH`` (upload) or ``scp -f PATH`` (download), as scp runs it on the other side."""

    action: Literal["download", "upload"]
    path: str


def parse_scp(command: str) -> ScpCommand | None:
    """``command`` when it is scp's server side, else None."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if len(words) < 3 or os.path.basename(words[0]) != "scp":
        return None
    flags = "".join(word[1:] for word in words[1:-1] if word.startswith("-") and not word.startswith("--"))
    if "t" in flags:
        return ScpCommand("upload", words[-1])
    return ScpCommand("download", words[-1]) if "f" in flags else None


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
