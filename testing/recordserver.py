# SPDX-License-Identifier: Apache-2.0
"""The receiving ends of events and recordings alone, without certificates, on a loopback port.

``python -m testing.recordserver DATA_DIR PORT`` prints the port it listens on and serves until killed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import grpc

from proctor.audit.logs_file import FileLog
from proctor.core.errors import ProctorError
from proctor.recording.archive import Archive
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc._pb import record_pb2_grpc
from proctor.rpc.auth_client import Client
from proctor.rpc.grpc_status import status_of, trailers

HOST = "1048a649-8f3f-4431-9529-0c53339b65a5"
NODE = "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f"
T = TypeVar("T")


async def anyone(_sid: str) -> None:
    """Any host may upload any session."""


class Channel:
    """The stubs that a spool and a replicator use of an ``rpc.client.Client``."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.max_reconnect_backoff_ms", 200)]
        )
        self.audit = record_pb2_grpc.AuditStub(self._channel)  # type: ignore[no-untyped-call]
        self.recordings = record_pb2_grpc.RecordingsStub(self._channel)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close(None)


def connected(port: int) -> Client:
    """A channel to the server at ``port``, in the type that product code asks for."""
    return cast(Client, Channel(port))


async def answers(given: AsyncIterator[T], context: Any) -> AsyncIterator[T]:
    """What ``given`` answers; ProctorErrors become statuses, as the real server does it."""
    try:
        async for answer in given:
            yield answer
    except ProctorError as error:
        context.set_trailing_metadata(trailers(error))
        await context.abort(status_of(error), error.message)


class Receiver(record_pb2_grpc.AuditServicer, record_pb2_grpc.RecordingsServicer):
    """A file log and an archive behind their RPCs."""

    def __init__(self, data_dir: Path) -> None:
        self.log = FileLog(data_dir / "log", HOST, cluster_name="purple")
        self.archive = Archive(data_dir / "log", HOST)
        self.node = NODE

    async def Emit(self, request_iterator: Any, context: Any) -> AsyncIterator[pb.EventAck]:  # noqa: N802
        """As the auth service does it."""
        async for ack in answers(self._emit(request_iterator), context):
            yield ack

    async def _emit(self, batches: AsyncIterator[pb.EventBatch]) -> AsyncIterator[pb.EventAck]:
        async for batch in batches:
            stored = await asyncio.to_thread(self.log.append, batch.source, batch.first_sequence, batch.lines)
            yield pb.EventAck(sequence=stored)

    async def Upload(self, request_iterator: Any, context: Any) -> AsyncIterator[pb.UploadStatus]:  # noqa: N802
        """As the auth service does it."""
        given = self.archive.upload(
            request_iterator, host_id=self.node, emit=self.log.append_own, claim=anyone
        )
        async for status in answers(given, context):
            yield status


async def started(data_dir: Path, port: int = 0) -> tuple[Receiver, int, Callable[[], Awaitable[None]]]:
    """A receiver, its port, and what stops it."""
    receiver = Receiver(data_dir)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    record_pb2_grpc.add_AuditServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
    record_pb2_grpc.add_RecordingsServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()

    async def stop() -> None:
        await server.stop(0)
        receiver.log.close()

    return receiver, port, stop


async def main(data_dir: Path, port: int) -> None:
    """Serve until killed."""
    _, port, _ = await started(data_dir, port)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
