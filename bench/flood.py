# SPDX-License-Identifier: Apache-2.0
"""What callers without a certificate cost the auth service, and how long a login takes meanwhile.

A process of its own holds anonymous TLS connections, has calls with long requests under way that do not end,
and tries join tokens, as fast as it is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.report import publish, spread
from proctor.core.accept import raise_descriptor_limit
from proctor.core.errors import Unavailable
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.identity_files import Credentials
from proctor.sshkit import keys
from testing.auth import PASSWORD, RunningAuth, otp_code, running_auth

CONNECTIONS = 10_000
LOGINS = 8
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def run(directory: Path, quick: bool) -> None:
    """Measure and publish."""
    raise_descriptor_limit()
    asyncio.run(_measure(directory, 500 if quick else CONNECTIONS, 2 if quick else LOGINS))


async def _measure(directory: Path, connections: int, logins: int) -> None:
    async with running_auth(directory) as auth:
        _, proxy = await auth.join("proxy")
        users = [await _user(auth, f"alice-{number}", proxy) for number in range(2 * logins)]
        rows = [await _row(auth, proxy, "quiet", users[:logins])]
        host, _, port = auth.address.rpartition(":")
        flood = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.flooding", host, port, str(connections),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert flood.stdout is not None
            made = int(await flood.stdout.readline())
            rows.append(await _row(auth, proxy, f"{made} connections, calls and joins", users[logins:]))
        finally:
            flood.kill()
            await flood.wait()
        refused = [event for event in auth.events("instance.join") if not event["success"]]
    publish(
        "flood",
        "The auth service under callers without a certificate",
        rows,
        {"conditions": rows, "connections tried": connections, "join events stored": len(refused)},
    )


async def _user(auth: RunningAuth, name: str, proxy: Credentials) -> tuple[str, str]:
    return name, await auth.add_user(name, ["access"], ["root"], proxy)


async def _row(
    auth: RunningAuth, proxy: Credentials, condition: str, users: list[tuple[str, str]]
) -> dict[str, Any]:
    seconds = []
    for name, secret in users:
        before = time.monotonic()
        await _log_in(auth, proxy, name, secret)
        seconds.append(time.monotonic() - before)
    login = {f"login {key}": value for key, value in spread(seconds).items()}
    return {"condition": condition, "RSS MiB": _resident_mib(), **login}


async def _log_in(auth: RunningAuth, proxy: Credentials, name: str, secret: str) -> None:
    """By a connection of its own, again until there is one."""
    while True:
        with contextlib.suppress(Unavailable):
            await auth.call(proxy, "auth.Login", _login(name, secret))
            return


def _login(name: str, secret: str) -> pb.LoginRequest:
    return pb.LoginRequest(
        username=name,
        password=PASSWORD,
        otp_code=otp_code(secret),
        tls_public_key=tls.public_key(tls.generate_key()),
        ssh_public_key=keys.generate()[1].encode(),
        client_address="192.0.2.1:5000",
    )


def _resident_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KIB // 1024
