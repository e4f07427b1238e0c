# SPDX-License-Identifier: Apache-2.0
"""Readiness probes for the dependencies of a service."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from proctor.core.errors import ProctorError
from proctor.core.net import reachable_host
from proctor.core.tasks import Threads

PROBE_SECONDS = 3.0
MIN_FREE_BYTES = 16 << 20
"""Space below which the file system of a spool counts as full."""

Probe = Callable[[], Awaitable[None]]
"""Returns when the thing works; raises ProctorError or OSError with the reason when it does not."""


async def problems(probes: Mapping[str, Probe], seconds: float = PROBE_SECONDS) -> dict[str, str]:
    """Try all ``probes`` at once; the reasons of those that fail or take longer than ``seconds``."""
    results = await asyncio.gather(*(_attempt(probe, seconds) for probe in probes.values()))
    return {name: reason for name, reason in zip(probes, results, strict=True) if reason}


async def _attempt(probe: Probe, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            await probe()
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except ProctorError as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)
    return ""


_threads = Threads("probe", 1)


async def writable(directory: Path) -> None:
    """Can files be written in ``directory``? Raises OSError, or ProctorError when space runs out."""
    await _threads.run(_write, directory)


def _write(directory: Path) -> None:
    path = directory / ".probe"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, b"\n")
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)
    status = os.statvfs(directory)
    if status.f_bavail * status.f_frsize < MIN_FREE_BYTES:
        raise ProctorError(f"less than {MIN_FREE_BYTES >> 20} MiB are free in {directory}")


async def greets(port: int, host: str, greeting: bytes) -> None:
    """Does our listener at ``host`` accept, and begin with ``greeting``? Raises OSError."""
    reader, writer = await asyncio.open_connection(reachable_host(host), port)
    try:
        if await reader.readexactly(len(greeting)) != greeting:
            raise ProctorError("something else answers on its port")
    except asyncio.IncompleteReadError:
        raise ProctorError("it hangs up on connections") from None
    finally:
        writer.transport.abort()


async def speaks_tls(port: int, host: str) -> None:
    """Does our listener at ``host`` accept, and complete a TLS handshake? Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is ourselves
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(reachable_host(host), port, ssl=context)
    writer.transport.abort()
