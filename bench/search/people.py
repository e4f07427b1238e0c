# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.search.people DIRECTORY ADDRESS``: ten people who search, one search after the other.

``go`` on the standard input begins, the next line ends, and how many searches each had is printed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

from bench.search.events import DAYS, START
from bench.search.load import connected
from proctor.core.clock import format_time
from proctor.rpc._pb import auth_pb2
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import Client

PEOPLE = 10


def requests(person: int, number: int) -> pb.SearchRequest:
    """What somebody looks for: as much that is rare or not there as what is common."""
    kinds = (
        pb.SearchRequest(text=f"absent-{person}-{number}"),
        pb.SearchRequest(user=f"user-{number % 200}"),
        pb.SearchRequest(text="/usr/lib", event_types=["session.network"]),
        pb.SearchRequest(user=f"user-{number % 200}", event_types=["session.command"], text="conf-7"),
        pb.SearchRequest(event_types=["session.end"], to_time=format_time(START + timedelta(days=DAYS / 2))),
        pb.SearchRequest(text="needle-"),
    )
    return kinds[(person + number) % len(kinds)]


async def _search(client: Client, person: int, ended: asyncio.Event) -> int:
    count = 0
    while not ended.is_set():
        await client.call(client.audit.Search, requests(person, count), timeout=30.0)
        count += 1
    return count


async def main(directory: Path, address: str) -> None:
    """Ten of them."""
    os.nice(19)  # people who search are elsewhere
    auth, ended = connected(directory, address), asyncio.Event()
    people = []
    for person in range(PEOPLE):
        name = f"auditor-{person}"
        request = auth_pb2.CreateUserRequest(name=name, roles=["auditor"])
        await auth.call(auth.admin, "auth.CreateUser", request)
        people.append(auth.client(await auth.sign(name)))
    print("ready", flush=True)
    read = asyncio.get_running_loop().run_in_executor
    while (await read(None, sys.stdin.readline)).strip() == "go":
        ended.clear()
        running = [asyncio.ensure_future(_search(client, n, ended)) for n, client in enumerate(people)]
        await read(None, sys.stdin.readline)
        ended.set()
        print(*await asyncio.gather(*running), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
