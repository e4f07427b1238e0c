# SPDX-License-Identifier: Apache-2.0
"""``tctl recordings download``: the files of a recording in one archive."""

from __future__ import annotations

import io
import tarfile
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import grpc

from proctor.core.clock import SYSTEM
from proctor.core.errors import BadRequest, NotFound, ProctorError
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import Client, translated


async def download(client: Client, sid: str, directory: Path) -> Path:
    """Write ``<sid>.tar`` to ``directory``; its path. Raises ProctorError, and then leaves nothing there."""
    target = directory / f"{sid}.tar"
    if target.exists():
        raise BadRequest(f"{target} exists already", hint="Remove it, or choose another directory with -o.")
    try:
        with ExitStack() as stack:
            files: dict[str, IO[bytes]] = {}
            async for chunk in client.recordings.Read(pb.ReadRequest(sid=sid, format="download")):
                if chunk.name not in files:
                    files[chunk.name] = stack.enter_context(TemporaryFile())
                files[chunk.name].write(chunk.data)
            if not files:
                raise NotFound(f"session {sid} has no recording")
            _archive(files, target)
    except grpc.RpcError as error:
        raise translated(error) from None
    except OSError as error:
        raise ProctorError(f"{target}: {error.strerror}") from None
    return target


def _archive(files: dict[str, IO[bytes]], target: Path) -> None:
    partial = target.with_suffix(".tar.part")
    try:
        with tarfile.open(partial, "w") as archive:
            for name, content in sorted(files.items()):
                about = tarfile.TarInfo(name)
                about.size = content.seek(0, io.SEEK_END)
                about.mode, about.mtime = 0o600, int(SYSTEM.now().timestamp())
                content.seek(0)
                archive.addfile(about, content)
        partial.chmod(0o600)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
