# SPDX-License-Identifier: Apache-2.0
"""A backup while events and recordings arrive has all that was acknowledged, and a service starts on it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from proctor.audit.log import Query
from proctor.cli.tctl.backup.contents import Contents
from proctor.cli.tctl.backup.create import create, verify
from proctor.cli.tctl.backup.restore import restore
from proctor.core.clock import SYSTEM
from proctor.model.events import SessionCommand, SessionStart
from proctor.model.stamp import stamped, to_line
from proctor.recording.format import file_name
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2
from proctor.rpc._pb import record_pb2 as pb
from proctor.sshkit import keys
from testing.attestations import CLIENT, ClusterAttestations
from testing.auth import PASSWORD, RunningAuth, otp_code, running_auth


class BusyNode:
    """A node that delivers events and recordings, one after the other, and knows what was acknowledged."""

    def __init__(
        self, auth: RunningAuth, host_id: str, credentials: Any, proofs: ClusterAttestations
    ) -> None:
        self._proofs = proofs
        self._client = auth.client(credentials)
        self._source = f"node/{host_id}/1"
        self._host_id = host_id
        self._number = 1
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._call = self._client.audit.Emit(self._sent(self._queue))
        self.acknowledged: list[str] = []
        self.recorded: dict[str, bytes] = {}
        self.gate = asyncio.Event()

    async def _sent(self, queue: asyncio.Queue[Any]) -> AsyncIterator[Any]:
        while True:
            yield await queue.get()

    async def work(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.session()
            self.gate.set()

    async def session(self) -> None:
        """Deliver the events of a short session, and its recording."""
        sid = str(uuid4())
        about: dict[str, Any] = {"sid": sid, "user": "alice", "login": "root", "server_id": self._host_id}
        events: list[Any] = [
            self._proofs.event(sid, "alice", server_id=self._host_id),
            SessionStart(**about, addr_remote=CLIENT),
            *(SessionCommand(**about, path="/bin/ls", ei=n) for n in range(1, 40)),
        ]
        fields = [stamped(event, SYSTEM.now(), "purple") for event in events]
        await self._emit([to_line(each) for each in fields])
        self.acknowledged += [each["uid"] for each in fields]
        content = sid.encode() * 50
        await self._upload(sid, content)
        self.recorded[sid] = content

    async def _emit(self, lines: list[bytes]) -> None:
        batch = pb.EventBatch(source=self._source, first_sequence=self._number, lines=b"".join(lines))
        self._number += len(lines)
        self._queue.put_nowait(batch)
        ack = await self._call.read()
        assert ack.sequence == self._number - 1

    async def _upload(self, sid: str, content: bytes) -> None:
        name = file_name(sid, "events")
        state = pb.FileState(name=name, size=len(content), sha256=hashlib.sha256(content).digest())
        frames = [
            pb.UploadFrame(sid=sid, start=pb.UploadStart(server_id=self._host_id)),
            pb.UploadFrame(sid=sid, chunk=pb.FileChunk(name=name, offset=0, data=content)),
            pb.UploadFrame(sid=sid, complete=pb.UploadComplete(files=[state])),
        ]
        async for status in self._client.recordings.Upload(iter(frames)):
            done = status.completed
        assert done

    async def close(self) -> None:
        self._call.cancel()
        await self._client.close()


async def uids(auth: RunningAuth, user: str) -> set[str]:
    found: set[str] = set()
    key = ""
    while True:
        page = auth.log.search(Query(user=user, limit=1000, ascending=True, start_key=key))
        found |= {json.loads(event)["uid"] for event in page.events}
        if not (key := page.next_key):
            return found


async def test_a_backup_under_load_and_a_service_over_it(tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    async with running_auth(tmp_path / "data") as auth:
        _, proxy = await auth.join("proxy")
        secret = await auth.add_user("alice", ["access", "auditor"], ["root"], proxy)
        host_id, credentials = await auth.join("node")
        proofs = await ClusterAttestations.of(auth, host_id, credentials)
        node = BusyNode(auth, host_id, credentials, proofs)
        for _ in range(5):
            await node.session()
        working = asyncio.create_task(node.work())
        await node.gate.wait()
        before, recorded = set(node.acknowledged), dict(node.recorded)
        contents = Contents(tmp_path / "data", tmp_path / "data/backend")
        made = await asyncio.get_running_loop().run_in_executor(None, create, contents, str(target))
        for _ in range(2):  # the first may be of a session that began before the backup ended
            node.gate.clear()
            await node.gate.wait()
        working.cancel()
        await asyncio.wait((working,))
        after = set(node.acknowledged) - before
        await node.close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert verify(str(target)) == made
    restored = tmp_path / "restored"
    restore(str(target), restored, restored / "backend")

    async with running_auth(restored) as auth:
        found = await uids(auth, "alice")
        assert before <= found
        assert after - found, "nothing happened while the backup was made"
        await logs_in(auth, proxy, secret)
        await plays(auth, recorded)
        await goes_on(auth, host_id, credentials, len(node.acknowledged), proofs)


async def logs_in(auth: RunningAuth, proxy: Any, secret: str) -> None:
    """The proxy of the first service, with its certificate, and a user with password and code."""
    request = auth_pb2.LoginRequest(
        username="alice", password=PASSWORD, otp_code=otp_code(secret),
        tls_public_key=tls.public_key(tls.generate_key()), ssh_public_key=keys.generate()[1].encode(),
    )  # fmt: skip
    answer = await auth.call(proxy, "auth.Login", request)
    assert answer.tls_certificate


async def plays(auth: RunningAuth, recorded: dict[str, bytes]) -> None:
    request = pb.ListRecordingsRequest(limit=1000)
    listed: set[str] = set()
    async with asyncio.timeout(20):
        while not recorded.keys() <= listed:
            answer = await auth.call(auth.admin, "recordings.List", request)
            listed = {info.sid for info in answer.recordings}
    client = auth.client(auth.admin)
    for sid, content in recorded.items():
        chunks = [chunk async for chunk in client.recordings.Read(pb.ReadRequest(sid=sid))]
        assert b"".join(chunk.data for chunk in chunks) == content
    await client.close()


async def goes_on(
    auth: RunningAuth, host_id: str, credentials: Any, delivered: int, proofs: ClusterAttestations
) -> None:
    """What the node had delivered after the backup is named in a gap; what follows is stored."""
    client = auth.client(credentials)
    line = to_line(stamped(proofs.event(str(uuid4()), "bob"), SYSTEM.now(), "purple"))
    batch = pb.EventBatch(source=f"node/{host_id}/1", first_sequence=delivered + 1, lines=line)
    async for ack in client.audit.Emit(iter([batch])):
        assert ack.sequence == delivered + 1
    await client.close()
    (gap,) = auth.events("audit.gap")
    assert gap["lost"] > 0
    assert "never arrived" in gap["reason"]
    assert len(auth.events("session.start")) > 5
