# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket

from proctor.core.accept import readable


async def test_readable_after_data_and_at_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            waiting = asyncio.ensure_future(readable(ours))
            theirs.sendall(b"x")
            await waiting
            assert ours.recv(1) == b"x"
        await readable(ours)
        assert ours.recv(1) == b""
