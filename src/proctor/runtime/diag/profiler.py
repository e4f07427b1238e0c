# SPDX-License-Identifier: Apache-2.0
"""A CPU profile of this process's event loop, for ``teleport debug profile``."""

from __future__ import annotations

import asyncio
import marshal

from proctor.core.errors import Unavailable

_running = asyncio.Lock()


async def profile(seconds: float) -> bytes:
    """What the event loop's thread did in the next ``seconds``, in the format of ``python -m pstats``.

    Other threads go on without being measured. Raises Unavailable while another profile is being made.
    """
    import cProfile  # noqa: PLC0415 - hardly ever needed

    if _running.locked():
        raise Unavailable("another profile of it is being made")
    async with _running:
        profiler = cProfile.Profile()
        profiler.enable()
        try:
            await asyncio.sleep(seconds)
        finally:
            profiler.disable()
        profiler.create_stats()
        return marshal.dumps(profiler.stats)
