# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.capture.engine import CaptureSettings
from proctor.capture.kernel.loader import AUTO
from proctor.capture.service import MAX_NODE_CONNECTIONS, CaptureService
from proctor.config.schema import EnhancedRecording
from proctor.core import unixsock
from proctor.core.errors import AccessDenied
from testing.polling import auntil

ROOT, NODE, OTHER = 0, 1001, 1002
RUN = "0e4f5c1c-0d8e-4f0e-8f8d-0d5a0b6f2c11"


@pytest.fixture
def service() -> Iterator[CaptureService]:
    with socket.socket(socket.AF_UNIX) as listening:
        settings = CaptureSettings(rings=AUTO, cgroup_mount=Path("/cgroup2"), run=Path("/nowhere"))
        yield CaptureService(listening, settings, node_uid=NODE)


@pytest.mark.parametrize("operation", ["open", "restrict", "close", "subscribe", "ack", "status"])
def test_who_may_do_what(service: CaptureService, operation: str) -> None:
    service.check_access(ROOT, operation)
    with pytest.raises(AccessDenied, match=f"user {OTHER} may not {operation}"):
        service.check_access(OTHER, operation)
    if operation in ("open", "restrict", "close"):
        with pytest.raises(AccessDenied):
            service.check_access(NODE, operation)
    else:
        service.check_access(NODE, operation)


async def test_node_cannot_crowd_out_monitors(service: CaptureService) -> None:
    """Connections of the node beyond its share are closed; others are served as before."""
    node, root = unixsock.Peer(1, NODE, NODE), unixsock.Peer(1, ROOT, ROOT)
    with contextlib.ExitStack() as stack:

        def connect(peer: unixsock.Peer) -> socket.socket:
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            stack.enter_context(theirs)
            service.admit(theirs, peer)
            return ours

        def is_served(connection: socket.socket) -> bool:
            connection.setblocking(False)
            try:
                return connection.recv(1) != b""
            except BlockingIOError:
                return True

        held = [connect(node) for _ in range(MAX_NODE_CONNECTIONS)]
        assert not is_served(connect(node))
        assert is_served(connect(root))
        held[0].close()
        await auntil(lambda: is_served(connect(node)), what="another one is served")


def test_settings_of_the_configuration() -> None:
    settings = CaptureSettings.of(
        EnhancedRecording(cgroup_path="/somewhere", network_buffer_size=1024), Path("/run/p"), RUN
    )

    assert settings.cgroup_mount == Path("/somewhere")
    assert settings.tree == Path("/somewhere/teleport", RUN)
    assert settings.rings == (1 << 20, 4 << 20, 4 << 20)
