# SPDX-License-Identifier: Apache-2.0
"""What an opened file costs on its way from the ring to the log, stage by stage.

Records as the kernel writes them go through the real code of every stage, in one process and one thread:
CPU seconds are what the stages take of the processors, whatever else runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.report import publish
from proctor.audit.logs_file import FileLog
from proctor.audit.segments import SegmentReader, Segments
from proctor.audit.spool import BATCH_BYTES, Spool
from proctor.auth.ingest.batch import Emitter, NumberedEvents
from proctor.auth.ingest.sessions import SessionRecord
from proctor.captureproto.capture_messages import KernelEvents, decode, encode
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.node.record.recorder import Context, NodeFacts, Recorder
from proctor.recording.writer import SessionWriter
from proctor.rpc._pb import record_pb2 as pb
from testing.kernel_records import OWNER, block_of, formatted, opened

SID = "86aca627-971d-4883-854d-d309ba04c658"
HOST = "0d7a5b1c-9e11-4e5a-8c3f-0e5f5b9d5c0d"
CLUSTER = "example.com"
BATCH_RECORDS = 2500
"""Of one message of capture."""


class Meter:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens inside belongs to ``name``."""
        before = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - before


def run(directory: Path, quick: bool) -> None:
    """Measure and publish."""
    events = 50_000 if quick else 1_000_000
    meter = Meter()
    spooled = _node(directory, meter, events)
    _auth(directory, meter, spooled)
    rows = [
        {"stage": name, "us/event": round(seconds / events * 1e6, 2), "events/s": round(events / seconds)}
        for name, seconds in meter.seconds.items()
    ]
    total = sum(meter.seconds.values())
    rows.append(
        {"stage": "all", "us/event": round(total / events * 1e6, 2), "events/s": round(events / total)}
    )
    publish("pipeline", "CPU time of opened files, from the ring to the log", rows, {"stages": rows})


def _recorder(directory: Path, spool: Spool) -> Recorder:
    facts = NodeFacts(
        server_id=HOST, hostname="node-1", address="127.0.0.1:3022", labels={}, version="1", cluster=CLUSTER
    )
    user = UserIdentity(username="alice", roles=(), logins=())
    context = Context(node=facts, user=user, login="root", local="l", remote="r", sid=SID)
    writer = SessionWriter(directory / "recordings", SID, cluster_name=CLUSTER)
    return Recorder(context, writer, spool, strict=True, failed=_fail)


def _fail(reason: str) -> None:
    raise RuntimeError(reason)


def _node(directory: Path, meter: Meter, events: int) -> Path:
    """Capture and node; returns where the spool is."""
    spool = Spool(directory / "spool", source=f"node/{HOST}", cluster_name=CLUSTER)
    recorder = _recorder(directory, spool)
    assert recorder.writer is not None
    block = block_of(
        *[opened(b"/usr/lib/python3.11/lib-dynload/module-%d.so" % n) for n in range(BATCH_RECORDS)]
    )
    boot = int(datetime.now(UTC).timestamp() * 1e6)
    for seq in range(events // BATCH_RECORDS):
        owner = OWNER._replace(number=seq * BATCH_RECORDS)
        with meter.stage("format"):
            part = formatted(block, owner, boot=boot + seq * 1000)
        with meter.stage("hand over"):
            message = decode(encode(KernelEvents(sid=SID, seq=seq + 1, lines=part.batches[0].lines)))
        assert isinstance(message, KernelEvents)
        with meter.stage("journal and spool"):
            recorder.record_lines(message.lines)
        with meter.stage("recording, compressed"):
            recorder.writer.flush()
    recorder.writer.close()
    spool.close()
    return directory / "spool"


def _auth(directory: Path, meter: Meter, spooled: Path) -> None:
    """From the spool into the log; the transport between them is left out."""
    segments = Segments(spooled)
    reader = SegmentReader(segments, 0)
    log = FileLog(directory / "log", "auth", cluster_name=CLUSTER)
    source = f"node/{HOST}/1"
    identity = HostIdentity(host_id=HOST, role=SystemRole.NODE, node_name="node-1", cluster=CLUSTER)
    known = {SID: SessionRecord(host_id=HOST, started="2023-07-04T16:42:20Z", user="alice", login="root")}
    emitter = Emitter(
        identity=identity,
        source=source,
        hostnames=frozenset({"node-1"}),
        now=datetime.now(UTC) + timedelta(1),
    )
    while reader.number <= segments.last:
        with meter.stage("spool, read"):
            first, found = reader.number, reader.take(BATCH_BYTES)
        with meter.stage("message, both ends"):
            raw = pb.EventBatch(source=source, first_sequence=first, lines=found).SerializeToString()
            batch = pb.EventBatch.FromString(raw).lines
        with meter.stage("check"):
            admitted = NumberedEvents(batch, first, emitter, log.uid_key).admitted(known)
        with meter.stage("log"):
            log.append(source, first, admitted.lines, admitted.summary)
    log.close()
    segments.close()
