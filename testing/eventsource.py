# SPDX-License-Identifier: Apache-2.0
"""A process that puts events into a spool and delivers them, to be killed at any moment.

``python -m testing.eventsource DIRECTORY PORT``: a line ``UID`` on stdout for each accepted event.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from proctor.audit.spool import Spool
from proctor.model.events import Exec
from testing.recordserver import connected


async def main(directory: Path, port: int) -> None:
    """Emit and deliver until killed."""
    spool = Spool(directory, source="node/n", cluster_name="purple")
    client = connected(port)
    delivery = asyncio.create_task(spool.deliver(lambda: client))
    number = 0
    while not delivery.done():
        number += 1
        os.write(1, f"{spool.append(Exec(command=f'{os.getpid()}/{number}'))['uid']}\n".encode())
        await asyncio.sleep(0)
    delivery.result()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
