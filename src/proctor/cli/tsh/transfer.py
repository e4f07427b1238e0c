# SPDX-License-Identifier: Apache-2.0
"""``tsh scp``: files to and from nodes, over SFTP."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import asyncssh

from proctor.cli.tsh.connection import Active
from proctor.cli.tsh.dial import DialTarget, connected, parse_target
from proctor.core.errors import BadRequest, ProctorError
from proctor.core.text import escaped

_REMOTE = re.compile(r"(?P<host>(?:[^:/@]*@)?\[[^\[\]/]+\]|[^:/]+):(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of ``sources`` to ``destination``, one side of which is on ``target``."""

    target: DialTarget
    upload: bool
    sources: tuple[str, ...]
    destination: str


@dataclass(frozen=True, kw_only=True)
class How:
    """Options of a copy; ``quiet``: show no progress."""

    port: int
    recursive: bool
    preserve: bool
    quiet: bool


def plan(active: Active, login: str, paths: Sequence[str]) -> Copy:
    """Sort out which of ``paths`` are remote (``[login@]host:path``). Raises BadRequest."""
    *sources, destination = paths
    if not sources:
        raise BadRequest("scp needs at least one source and a destination")
    hosts = {_remote(path)[0] for path in sources}
    upload = _remote(destination)[0] != ""
    if len(hosts) != 1 or upload == (hosts != {""}):
        raise BadRequest(
            "one side of the copy must be on one node, the other here", hint="Write it as [login@]host:path."
        )
    remote = destination if upload else sources[0]
    return Copy(
        target=parse_target(_remote(remote)[0], login, active),
        upload=upload,
        sources=tuple(_remote(path)[1] for path in sources),
        destination=_remote(destination)[1],
    )


def _remote(text: str) -> tuple[str, str]:
    """Host (empty for a local path) and path, as scp decides: a colon before any slash.

    Colons of an IPv6 address do not count when it is in brackets.
    """
    found = _REMOTE.fullmatch(text)
    return (found["host"], found["path"] or ".") if found else ("", text)


async def copy(active: Active, what: Copy, how: How) -> None:
    """Do it. Raises ProctorError with the path that failed."""
    shown = None if how.quiet else _progress
    async with connected(active, what.target, how.port) as connection:
        try:
            # Paths are bytes: those that are not UTF-8 travel as this command has got them.
            async with connection.start_sftp_client(path_errors="surrogateescape") as sftp:
                move = sftp.mput if what.upload else sftp.mget
                await move(
                    list(what.sources),
                    what.destination,
                    preserve=how.preserve,
                    recurse=how.recursive,
                    progress_handler=shown,
                )
        except (asyncssh.SFTPError, asyncssh.ChannelOpenError) as error:
            raise ProctorError(f"scp: {_what_failed(error)}{error.reason}") from None


def _what_failed(error: asyncssh.Error) -> str:
    """Both paths of the copy that failed: the error does not tell on which side."""
    source, destination = getattr(error, "srcpath", None), getattr(error, "dstpath", None)
    if source is None:
        return ""
    there = f" to {os.fsdecode(destination)}" if destination is not None else ""
    return f"cannot copy {os.fsdecode(source)}{there}: "


def _progress(source: bytes, _destination: bytes, done: int, total: int) -> None:
    percent = 100 * done // total if total else 100
    end = "\n" if done >= total else ""
    print(f"\r{escaped(os.fsdecode(source))}  {percent:3}%  {done} bytes", end=end, file=sys.stderr)
