# SPDX-License-Identifier: Apache-2.0
"""Run the self-test: a capture service, a session in it, and the events of its actions.

It works beside a running node, whose programs and sessions it does not touch.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from proctor.capture.engine import LEAST_RINGS, CaptureSettings
from proctor.capture.selftest.expectations import Outcome, judge
from proctor.capture.service import CaptureService
from proctor.capture.state.place import StateDirectory
from proctor.captureproto.capture_messages import Drained, KernelEvents
from proctor.captureproto.cgroup import CgroupTree, SessionCgroup
from proctor.captureproto.client import CaptureClient, SessionCapture
from proctor.captureproto.event_lines import events_in
from proctor.core import unixsock
from proctor.core.errors import Unavailable
from proctor.core.tasks import TaskSet
from proctor.model.resources import ENHANCED_KINDS

_SECONDS = 30
_ROOT_PATH = "/proctor-selftest"


async def run(mount: Path) -> list[Outcome]:
    """Do every action once, below the cgroup2 hierarchy at ``mount``.

    Raises ProctorError when there can be no session at all.
    """
    tree = CgroupTree(mount, _ROOT_PATH, str(uuid4()))
    with tempfile.TemporaryDirectory(prefix="proctor-selftest-") as name:
        directory = Path(name)
        try:
            async with _service(directory / "capture.sock", tree):
                tree.prepare()
                try:
                    events, failures = await _session(directory, tree)
                finally:
                    tree.close()
        finally:
            StateDirectory(directory).discard()
        return judge(events, failures)


@contextlib.asynccontextmanager
async def _service(path: Path, tree: CgroupTree) -> AsyncIterator[None]:
    settings = CaptureSettings(rings=LEAST_RINGS, cgroup_mount=tree.mount, run=path.parent, tree=tree.root)
    service = CaptureService(unixsock.listen(path), settings, node_uid=os.geteuid())
    await service.start()
    try:
        yield
    finally:
        await service.stop()


async def _session(directory: Path, tree: CgroupTree) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The events of a session in which everything is done, and what could not be done in it."""
    sid = str(uuid4())
    cgroup = tree.create(sid)
    path = directory / "capture.sock"
    collecting = TaskSet("self-test").spawn(_collect(path, sid), name="events")
    try:
        async with asyncio.timeout(_SECONDS):
            failures = await _act(path, sid, cgroup, directory, tree.root)
            return await collecting, failures
    except TimeoutError:
        raise Unavailable(f"the self-test did not end within {_SECONDS} seconds") from None
    finally:
        collecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await collecting


async def _collect(path: Path, sid: str) -> list[dict[str, Any]]:
    """Everything that capture says of ``sid`` up to the end of its process."""
    client = CaptureClient(path)
    events: list[dict[str, Any]] = []
    async with contextlib.aclosing(client.subscribe()) as deliveries:
        async for delivery in deliveries:
            client.acknowledge(delivery)
            if isinstance(delivery, KernelEvents) and delivery.sid == sid:
                events += events_in(delivery.lines)
            if isinstance(delivery, Drained) and delivery.sid == sid:
                break
    return events


async def _act(
    path: Path, sid: str, cgroup: SessionCgroup, directory: Path, elsewhere: Path
) -> dict[str, str]:
    arguments = [
        "-P",
        "-m",
        "proctor.capture.selftest.actions",
        str(directory),
        str(cgroup.path),
        str(elsewhere),
    ]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    pidfd = os.pidfd_open(process.pid)
    try:
        if process.stdout is None or not await process.stdout.readline():
            raise Unavailable("the process of the self-test ended before it began")
        with await asyncio.to_thread(SessionCapture, path) as capture:
            await asyncio.to_thread(
                capture.open, sid, cgroup=cgroup.path, cgroup_id=cgroup.id, pidfd=pidfd, kinds=ENHANCED_KINDS
            )
            output, _ = await process.communicate(b"\n")
            await asyncio.to_thread(capture.close, sid)
    finally:
        os.close(pidfd)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return msgspec.convert(json.loads(output), dict[str, str])
