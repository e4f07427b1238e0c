# SPDX-License-Identifier: Apache-2.0
"""The audit log and the recordings, as hosts fill them and people read them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

import grpc
import pytest

from proctor.core.clock import SYSTEM, FakeClock
from proctor.core.errors import AccessDenied, BadRequest, NotFound
from proctor.model.access import OWN_SESSION
from proctor.model.stamp import stamped, to_line
from proctor.recording.format import file_name
from proctor.rpc._pb import auth_pb2, record_pb2
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import translated
from proctor.rpc.identity_files import Credentials
from testing.attestations import CLIENT, ClusterAttestations
from testing.auth import RunningAuth, running_auth

SID = "86aca627-971d-4883-854d-d309ba04c658"


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[RunningAuth]:
    async with running_auth(tmp_path) as running:
        yield running


class Node:
    """A node that joined, and may lie."""

    def __init__(
        self, auth: RunningAuth, host_id: str, credentials: Credentials, proofs: ClusterAttestations
    ) -> None:
        self.auth = auth
        self._proofs = proofs
        self.host_id = host_id
        self.credentials = credentials
        self._emitted = 0

    @classmethod
    async def join(cls, auth: RunningAuth) -> Node:
        host_id, credentials = await auth.join("node")
        return cls(auth, host_id, credentials, await ClusterAttestations.of(auth, host_id, credentials))

    async def attest(self, *sids: str, user: str = "alice") -> None:
        """Have ``user`` log in and start sessions here."""
        lines = (json.dumps(self._proofs.event(sid, user)).encode() + b"\n" for sid in sids)
        # Each from a spool of its own, so that the numbers in the others begin with 1.
        source = f"node/{self.host_id}/{uuid4()}"
        batch = pb.EventBatch(source=source, first_sequence=1, lines=b"".join(lines))
        await stream(self.auth, self.credentials, "audit.Emit", batch)

    async def emit(self, *events: dict[str, Any] | bytes, source: str = "") -> int:
        """Deliver ``events``; the sequence number acknowledged."""
        raw = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
        batch = pb.EventBatch(
            source=source or f"node/{self.host_id}/1",
            first_sequence=self._emitted + 1,
            lines=b"".join(line + b"\n" for line in raw),
        )
        (ack,) = await stream(self.auth, self.credentials, "audit.Emit", batch)
        self._emitted += len(events)
        return int(ack.sequence)

    async def record(self, sid: str, data: bytes = b"bytes") -> None:
        """Upload a recording of one file."""
        name = file_name(sid, "chunks")
        state = pb.FileState(name=name, size=len(data), sha256=hashlib.sha256(data).digest())
        await stream(
            self.auth,
            self.credentials,
            "recordings.Upload",
            pb.UploadFrame(sid=sid, start=pb.UploadStart(server_id=self.host_id)),
            pb.UploadFrame(sid=sid, chunk=pb.FileChunk(name=name, data=data)),
            pb.UploadFrame(sid=sid, complete=pb.UploadComplete(files=[state])),
        )

    def end(self, sid: str, *participants: Any, **fields: Any) -> dict[str, Any]:
        """The event that a session ended here."""
        return {
            "event": "session.end",
            "code": "T2004I",
            "sid": sid,
            "server_id": self.host_id,
            "participants": list(participants),
            "enhanced_recording": False,
            "interactive": True,
            **fields,
        }

    def start(self, sid: str, user: str = "alice", **fields: Any) -> dict[str, Any]:
        """The event that a session started here."""
        own = {"event": "session.start", "code": "T2000I", "sid": sid, "server_id": self.host_id}
        return {**own, "user": user, "login": "root", "addr.remote": CLIENT, **fields}

    def command(self, sid: str = SID, **fields: Any) -> dict[str, Any]:
        """The event that a command ran here without a terminal."""
        own = {"event": "exec", "code": "T3002I", "sid": sid, "server_id": self.host_id}
        return {**own, "command": "true", "exitCode": "0", **fields}


async def stream(auth: RunningAuth, credentials: Credentials, method: str, *frames: Any) -> list[Any]:
    """One call with a stream of answers; raises what the server raised."""
    client = auth.client(credentials)
    service, name = method.split(".")
    stub = getattr(getattr(client, service), name)

    async def requests() -> AsyncIterator[Any]:
        for frame in frames:
            yield frame

    try:
        call = stub(requests()) if name in {"Emit", "Upload"} else stub(frames[0])
        return [answer async for answer in call]
    except grpc.RpcError as error:
        raise translated(error) from None
    finally:
        await client.close()


async def user(auth: RunningAuth, name: str, *roles: str) -> Credentials:
    await auth.call(auth.admin, "auth.CreateUser", auth_pb2.CreateUserRequest(name=name, roles=roles))
    return await auth.sign(name)


async def listed(auth: RunningAuth, credentials: Credentials, **request: Any) -> list[str]:
    answer = await auth.call(credentials, "recordings.List", pb.ListRecordingsRequest(**request))
    return [recording.sid for recording in answer.recordings]


async def own_sessions_role(auth: RunningAuth) -> str:
    rule = {"resources": ["session"], "verbs": ["list", "read"], "where": OWN_SESSION}
    role = {"kind": "role", "metadata": {"name": "own"}, "spec": {"allow": {"rules": [rule]}}}
    request = auth_pb2.PutDocumentRequest(json=json.dumps(role).encode())
    await auth.call(auth.admin, "auth.PutDocument", request)
    return "own"


async def test_what_a_host_may_not_say_is_replaced_by_an_event_that_tells_why(auth: RunningAuth) -> None:
    node, other = await Node.join(auth), await Node.join(auth)
    await node.attest(SID)
    good = node.command()
    bad: list[tuple[dict[str, Any] | bytes, str]] = [
        (b"junk", "is malformed"),
        (b"[]", "is malformed"),
        ({**good, "server_id": 5}, "is a exec with a field of a wrong type"),
        ({**good, "server_id": other.host_id}, f"claims to come from server '{other.host_id}'"),
        ({**good, "server_id": ""}, "claims to come from server ''"),
        ({**good, "event": "user.login"}, "is of a kind that a node does not emit: 'user.login'"),
        ({**good, "event": "instance.join"}, "'instance.join'"),
        ({**good, "event": ""}, "of a kind that a node does not emit"),
        ({**good, "cluster_name": "green"}, "claims to come from cluster 'green'"),
    ]
    assert await node.emit(good, *(event for event, _ in bad), good) == len(bad) + 2
    assert len(auth.events("exec")) == 2
    gaps = auth.events("audit.gap")
    assert [gap["lost"] for gap in gaps] == [1] * len(bad)
    reasons = sorted(gap["reason"] for gap in gaps)
    assert all(any(says in reason for reason in reasons) for _, says in bad)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("server_id", "another", "claims to come from server"),
        ("cluster_name", "green", "claims to come from cluster"),
        ("event", "user.login", "of a kind that a node does not emit"),
    ],
)
async def test_what_is_in_its_final_form_is_checked_as_well(
    auth: RunningAuth, field: str, value: str, says: str
) -> None:
    node = await Node.join(auth)
    await node.attest(SID)
    good = node.command()
    bad = stamped({**good, field: value}, SYSTEM.now(), "purple")

    await node.emit(*(to_line(fields)[:-1] for fields in (stamped(good, SYSTEM.now(), "purple"), bad)))

    assert len(auth.events("exec")) == 1
    [gap] = auth.events("audit.gap")
    assert says in gap["reason"]


async def test_a_batch_that_comes_again_is_stored_once(auth: RunningAuth) -> None:
    node = await Node.join(auth)
    await node.attest(SID)
    for _ in range(2):
        node._emitted = 0
        event = node.command(uid=str(uuid5(NAMESPACE_DNS, "one")))
        assert await node.emit(event, b"junk") == 2
    assert len(auth.events("exec")) == 1
    assert len(auth.events("audit.gap")) == 1


async def test_a_host_fills_no_spool_but_its_own(auth: RunningAuth) -> None:
    node, other = await Node.join(auth), await Node.join(auth)
    for source in (f"node/{other.host_id}/1", f"proxy/{node.host_id}/1", f"node/{node.host_id}", "x"):
        with pytest.raises(AccessDenied, match="the spool of a host"):
            await node.emit(b"{}", source=source)


async def test_the_audit_log_is_for_auditors(auth: RunningAuth) -> None:
    await Node.join(auth)
    request = pb.SearchRequest(event_types=["instance.join"])
    with pytest.raises(AccessDenied, match="allows list on event"):
        await auth.call(await user(auth, "alice", "access"), "audit.Search", request)
    auditor = await user(auth, "bob", "auditor")
    (raw,) = (await auth.call(auditor, "audit.Search", request)).events
    assert json.loads(raw)["event"] == "instance.join"
    for wrong in (pb.SearchRequest(from_time="now"), pb.SearchRequest(limit=-1)):
        with pytest.raises(BadRequest):
            await auth.call(auditor, "audit.Search", wrong)


async def test_people_read_recordings_as_their_roles_allow(auth: RunningAuth) -> None:
    node = await Node.join(auth)
    await node.record(SID)
    await node.attest(SID)
    await node.emit(node.start(SID), node.end(SID, "alice"))
    own = await own_sessions_role(auth)
    alice, mallory = await user(auth, "alice", own), await user(auth, "mallory", own)
    auditor = await user(auth, "bob", "auditor")
    read = pb.ReadRequest(sid=SID, format="pty")
    for reader in (alice, auditor, auth.admin):
        assert await listed(auth, reader) == [SID]
        assert [chunk.data for chunk in await stream(auth, reader, "recordings.Read", read)] == [b"bytes"]
    assert await listed(auth, mallory) == []
    with pytest.raises(AccessDenied):
        await stream(auth, mallory, "recordings.Read", read)
    accesses = auth.events("session.recording.access")
    assert [event["user"] for event in accesses][:2] == ["alice", "bob"]
    assert {(event["sid"], event["format"]) for event in accesses} == {(SID, "pty")}
    assert len(accesses) == 3


async def test_a_node_cannot_give_away_the_recordings_of_another(auth: RunningAuth) -> None:
    node, liar = await Node.join(auth), await Node.join(auth)
    await node.record(SID)
    await node.attest(SID)
    await node.emit(node.start(SID), node.end(SID, "alice"))
    await liar.emit(liar.end(SID, "mallory"), liar.end(SID, "mallory", server_id=""))
    mallory = await user(auth, "mallory", await own_sessions_role(auth))
    assert await listed(auth, mallory) == []
    with pytest.raises(AccessDenied):
        await stream(auth, mallory, "recordings.Read", pb.ReadRequest(sid=SID))
    start = pb.UploadFrame(sid=SID, start=pb.UploadStart(server_id=liar.host_id))
    with pytest.raises(AccessDenied, match="belongs to another node"):
        await stream(auth, liar.credentials, "recordings.Upload", start)


async def test_only_the_host_of_a_session_uploads_its_recording(auth: RunningAuth) -> None:
    node, liar = await Node.join(auth), await Node.join(auth)
    await node.attest(SID)
    await node.emit(node.start(SID))
    start = pb.UploadFrame(sid=SID, start=pb.UploadStart(server_id=liar.host_id))
    with pytest.raises(AccessDenied, match="belongs to another node"):
        await stream(auth, liar.credentials, "recordings.Upload", start)
    await node.record(SID)


async def test_the_host_of_a_session_is_known_after_a_restart(tmp_path: Path) -> None:
    async with running_auth(tmp_path) as auth:
        node, liar = await Node.join(auth), await Node.join(auth)
        await node.attest(SID)
        await node.emit(node.start(SID))
    async with running_auth(tmp_path) as auth:
        node.auth = liar.auth = auth
        await liar.emit(liar.end(SID, "mallory"))
        await node.emit(node.command())
        (gap,) = auth.events("audit.gap")
        assert f"belongs to host {node.host_id}" in gap["reason"]
        assert liar.host_id in gap["source"]
        assert [event["server_id"] for event in auth.events("exec", "session.end")] == [node.host_id]


async def test_one_uid_is_one_event_over_hosts_and_restarts(tmp_path: Path) -> None:
    uid = str(uuid4())
    async with running_auth(tmp_path) as auth:
        node, liar = await Node.join(auth), await Node.join(auth)
        other = str(uuid4())
        await node.attest(SID)
        await liar.attest(other)
        await node.emit(node.command(uid=uid))
        await liar.emit(liar.command(other, uid=uid))
    async with running_auth(tmp_path) as auth:
        node.auth = auth
        await node.emit(node.command(uid=uid))
        assert [event["server_id"] for event in auth.events("exec")] == [node.host_id]
        assert [
            "has the uid of an event stored before" in gap["reason"] for gap in auth.events("audit.gap")
        ] == [
            True,
            True,
        ]


async def test_nonsense_of_a_node_does_not_hide_other_recordings(auth: RunningAuth) -> None:
    node, liar = await Node.join(auth), await Node.join(auth)
    await node.record(SID)
    await node.attest(SID)
    await node.emit(node.start(SID), node.end(SID, "alice"))
    nonsense = [
        {**liar.end(SID), "sid": 5},
        {**liar.end(SID), "participants": "all"},
        {**liar.end(SID), "participants": {"x": 5}},
        liar.end("../../etc/passwd", "x"),
        liar.end(SID, 5),
        liar.end(str(uuid4()), "x"),
    ]
    await liar.emit(*nonsense)
    assert await listed(auth, auth.admin) == [SID]


async def test_a_recording_under_way_is_listed_as_live(auth: RunningAuth) -> None:
    node = await Node.join(auth)
    start = pb.UploadFrame(sid=SID, start=pb.UploadStart(server_id=node.host_id))
    await stream(auth, node.credentials, "recordings.Upload", start)
    assert await listed(auth, auth.admin, live=True) == [SID]
    assert await listed(auth, auth.admin) == []


async def test_lists_are_paged_through_to_their_end(auth: RunningAuth) -> None:
    node = await Node.join(auth)
    await node.record(SID)
    await node.attest(SID)
    await node.emit(node.start(SID), node.end(SID, "alice"))
    for _ in range(2):
        sids = [str(uuid4()) for _ in range(600)]
        await node.attest(*sids)
        await node.emit(*(event for sid in sids for event in (node.start(sid), node.end(sid, "alice"))))
    assert await listed(auth, auth.admin, limit=1) == [SID]
    for limit in (-1, 10**6):
        with pytest.raises(BadRequest, match="limit"):
            await listed(auth, auth.admin, limit=limit)


async def test_lists_have_filters_and_pages(auth: RunningAuth) -> None:
    node = await Node.join(auth)
    sids = [str(uuid4()) for _ in range(5)]
    for sid in sids:
        await node.record(sid)
    assert sorted(await listed(auth, auth.admin)) == sorted(sids)
    await node.attest(*sids)
    await node.emit(*(event for sid in sids[:3] for event in (node.start(sid), node.end(sid, "alice"))))
    assert sorted(await listed(auth, auth.admin, user="alice")) == sorted(sids[:3])
    assert sorted(await listed(auth, auth.admin, host=node.host_id, kind="interactive")) == sorted(sids[:3])
    assert await listed(auth, auth.admin, host="elsewhere") == []
    seen: list[str] = []
    request = pb.ListRecordingsRequest(limit=2)
    for _ in range(3):
        page = await auth.call(auth.admin, "recordings.List", request)
        seen += [recording.sid for recording in page.recordings]
        request.start_key = page.next_key
    assert sorted(seen) == sorted(sids)
    assert not page.next_key
    for wrong in ({"kind": "x"}, {"states": ["x"]}, {"start_key": "x"}):
        with pytest.raises(BadRequest):
            await listed(auth, auth.admin, **wrong)


@pytest.mark.parametrize("lost", ["nothing", "table", "position"])
async def test_lists_survive_a_restart_and_are_made_again(tmp_path: Path, lost: str) -> None:
    async with running_auth(tmp_path) as auth:
        node = await Node.join(auth)
        await node.record(SID)
        await node.attest(SID)
        await node.emit(node.start(SID), node.end(SID, "alice"))
        assert await listed(auth, auth.admin, user="alice") == [SID]
    path = tmp_path / "backend/recordings.sqlite"
    if lost == "table":
        path.unlink()
    elif lost == "position":
        with sqlite3.connect(path) as database:
            database.execute("UPDATE position SET log = ''")
            database.execute("DELETE FROM recordings")
        database.close()
    async with running_auth(tmp_path) as auth:
        assert await listed(auth, auth.admin, user="alice") == [SID]


async def test_recordings_that_were_removed_are_not_listed(auth: RunningAuth) -> None:
    node = await Node.join(auth)
    await node.record(SID)
    assert await listed(auth, auth.admin) == [SID]
    (auth.data / f"backend/recordings/completed/{SID}.json").unlink()
    assert await listed(auth, auth.admin) == []


@pytest.mark.parametrize(
    "sid", ["", "../../etc/passwd", "x" * 10_000, SID], ids=["", "path", "long", "unknown"]
)
async def test_there_is_no_recording_of_what_is_no_session(auth: RunningAuth, sid: str) -> None:
    with pytest.raises(NotFound, match="no recording"):
        await stream(auth, auth.admin, "recordings.Read", record_pb2.ReadRequest(sid=sid))
    assert auth.events("session.recording.access") == []


async def test_the_format_is_one_of_a_few(auth: RunningAuth) -> None:
    with pytest.raises(BadRequest, match="format"):
        await stream(auth, auth.admin, "recordings.Read", pb.ReadRequest(sid=SID, format="<script>"))


async def test_events_carry_the_time_of_the_cluster(tmp_path: Path) -> None:
    async with running_auth(tmp_path, FakeClock()) as auth:
        await Node.join(auth)
        assert [event["time"] for event in auth.events("instance.join")] == ["2023-07-04T16:42:20Z"]
