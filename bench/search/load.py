# SPDX-License-Identifier: Apache-2.0
"""Logins and appends of a real auth service, alone and while ten people search."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from bench.report import table
from proctor.core.clock import SYSTEM
from proctor.model.event import Event
from proctor.model.events import SessionCommand, SessionStart
from proctor.model.stamp import stamped, to_line
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Credentials
from proctor.sshkit import keys
from testing.attestations import CLIENT, ClusterAttestations
from testing.auth import PASSWORD, RunningAuth, otp_code

ACCOUNTS = 40
PHASES = 6
"""Alternating without and with searches."""

APPENDS_PER_LOGIN = 10
BATCH_EVENTS = 100


@dataclass
class Loads:
    """Seconds by what was measured and whether people searched meanwhile."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    searches: int = 0
    searching_seconds: float = 0.0

    @property
    def results(self) -> dict[str, Any]:
        """For the document."""
        rate = round(self.searches / max(self.searching_seconds, 1e-9), 1)
        return {"searches_per_second": rate, "milliseconds": {k: _ms(v) for k, v in self.seconds.items()}}

    @property
    def table(self) -> str:
        """Medians and their ratio, as Markdown."""
        rows = []
        for what in ("login", "append"):
            alone, searching = (self.seconds[f"{what}, {state}"] for state in ("alone", "searching"))
            ratio = statistics.median(searching) / statistics.median(alone)
            rows.append(
                {
                    "what": what,
                    "alone ms": _spread(alone),
                    "while ten people search ms": _spread(searching),
                    "ratio of medians": f"{ratio:.2f}",
                }
            )
        rate = self.results["searches_per_second"]
        about = f"Median (ninth decile); the ten had {rate} searches a second together:"
        return f"{about}\n\n{table(rows)}"


def _ms(seconds: list[float]) -> list[float]:
    return [round(1000 * value, 2) for value in seconds]


def _spread(seconds: list[float]) -> str:
    milliseconds = _ms(seconds)
    return f"{statistics.median(milliseconds):.1f} ({statistics.quantiles(milliseconds, n=10)[-1]:.1f})"


def facts_table(facts: dict[int, dict[str, Any]]) -> str:
    """Sizes of logs and indexes."""
    rows = [
        {
            "events": f"{count:,}",
            "log MB": round(about["log_bytes"] / 1e6),
            "on disk, compressed MB": round(about["log_bytes_on_disk"] / 1e6),
            "index MB": round(about["index_bytes"] / 1e6),
            "index bytes/event": about["index_bytes_per_event"],
            "appended/s": round(count / max(about["append_seconds"], 0.1)),
            "indexed/s": about["indexed_events_per_second"],
            "compressed events/s": round(count / max(about["compress_seconds"], 0.1)),
        }
        for count, about in facts.items()
    ]
    return table(rows)


def connected(directory: Path, address: str) -> RunningAuth:
    """A service that runs in another process."""
    absent = cast(Any, None)
    return RunningAuth(directory, address, (directory / "host_uuid").read_text(), absent, absent)


class People:
    """Accounts that log in; a code of theirs counts once."""

    def __init__(self, auth: RunningAuth, proxy: Credentials) -> None:
        self._auth = auth
        self._client = auth.client(proxy)
        self._proxy = proxy
        self._accounts: list[tuple[str, str, int]] = []
        key, (_, public) = tls.generate_key(), keys.generate()
        self._keys = (tls.public_key(key), public.encode())

    async def create(self) -> None:
        """Make the accounts."""
        for number in range(ACCOUNTS):
            secret = await self._auth.add_user(f"person-{number}", ["access"], ["root"], self._proxy)
            self._accounts.append((f"person-{number}", secret, int(time.time()) // 30 - 1))

    async def login(self) -> float:
        """Log somebody in; how many seconds that took."""
        while True:
            name, secret, last = self._accounts.pop(0)
            step = max(last + 1, int(time.time()) // 30)
            ahead = step - int(time.time()) // 30
            self._accounts.append((name, secret, step if ahead <= 1 else last))
            if ahead <= 1:
                break
            await asyncio.sleep(0.1)
        request = auth_pb2.LoginRequest(
            username=name, password=PASSWORD, otp_code=otp_code(secret, ahead),
            tls_public_key=self._keys[0], ssh_public_key=self._keys[1],
        )  # fmt: skip
        started = time.perf_counter()
        await self._client.call(self._client.auth.Login, request, timeout=60.0)
        return time.perf_counter() - started


class Node:
    """A node with one session, whose events are appended batch by batch."""

    def __init__(self, client: Client, host_id: str, attestations: ClusterAttestations) -> None:
        self._attestations = attestations
        self._source = f"node/{host_id}/1"
        self._about: dict[str, Any] = {
            "sid": str(uuid4()),
            "user": "alice",
            "login": "root",
            "server_id": host_id,
        }
        self._number = 1
        self._batches: asyncio.Queue[pb.EventBatch] = asyncio.Queue()
        self._call = client.audit.Emit(self._sent())

    async def _sent(self) -> AsyncIterator[pb.EventBatch]:
        while True:
            yield await self._batches.get()

    async def append(self, count: int = BATCH_EVENTS) -> float:
        """Have a batch stored; how many seconds until it is acknowledged."""
        first = self._number == 1
        kinds = [SessionStart(**self._about, addr_remote=CLIENT)] if first else []
        proofs = [self._attestations.event(self._about["sid"])] if first else []
        events: list[Event | dict[str, Any]] = [
            *proofs,
            *kinds,
            *(SessionCommand(**self._about, argv=[str(n)], ei=n + 1) for n in range(count)),
        ]
        lines = b"".join(to_line(stamped(event, SYSTEM.now(), "example.com")) for event in events)
        batch = pb.EventBatch(source=self._source, first_sequence=self._number, lines=lines)
        self._number += len(events)
        started = time.perf_counter()
        self._batches.put_nowait(batch)
        ack = await self._call.read()
        elapsed = time.perf_counter() - started
        if ack.sequence != self._number - 1:
            raise RuntimeError(f"acknowledged up to {ack.sequence}")
        return elapsed


@asynccontextmanager
async def _process(module: str, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A process of this package, and its first line."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", f"bench.search.{module}", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield process, await _line(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> str:
    reader = cast(asyncio.StreamReader, process.stdout)
    return (await reader.readline()).decode().strip()


async def measure(directory: Path, host: str, logins: int) -> Loads:
    """Over the log in ``directory``; ``logins`` in each phase."""
    (directory / "host_uuid").write_text(host)
    loads = Loads()
    async with _process("server", str(directory)) as (_, address):
        auth = connected(directory, address)
        _, proxy = await auth.join("proxy")
        host_id, credentials = await auth.join("node")
        client = auth.client(credentials)
        attestations = await ClusterAttestations.of(auth, host_id, credentials)
        people, node = People(auth, proxy), Node(client, host_id, attestations)
        await people.create()
        async with _process("people", str(directory), address) as (crowd, _):
            for phase in range(PHASES):
                await _phase(loads, crowd, (people, node), logins, searching=phase % 2 == 1)
        await client.close()
    return loads


async def _phase(
    loads: Loads,
    crowd: asyncio.subprocess.Process,
    measured: tuple[People, Node],
    logins: int,
    *,
    searching: bool,
) -> None:
    people, node = measured
    say, state = cast(asyncio.StreamWriter, crowd.stdin), "searching" if searching else "alone"
    started = time.monotonic()
    if searching:
        say.write(b"go\n")
        await asyncio.sleep(1.0)
    for _ in range(logins):
        loads.seconds.setdefault(f"login, {state}", []).append(await people.login())
        for _ in range(APPENDS_PER_LOGIN):
            loads.seconds.setdefault(f"append, {state}", []).append(await node.append())
    if searching:
        say.write(b"stop\n")
        loads.searches += sum(map(int, (await _line(crowd)).split()))
        loads.searching_seconds += time.monotonic() - started
