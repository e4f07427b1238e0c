# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.search.server DIRECTORY``: an auth service over an old log, until the input ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bench.search.events import CLUSTER
from testing.auth import running_auth


async def serve(directory: Path) -> None:
    """Print the address and wait."""
    async with running_auth(directory, cluster=CLUSTER) as auth:
        print(auth.address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
