# SPDX-License-Identifier: Apache-2.0
"""Audit events of one service on its own disk, until the auth service has stored them."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from proctor.audit.segments import SegmentReader, Segments
from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.probes import writable
from proctor.core.tasks import TaskSet, Threads
from proctor.model.event import Event
from proctor.model.events import AuditGap
from proctor.model.stamp import stamped, to_line
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import Client, translated

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

BATCH_BYTES = 512 << 10
WINDOW_EVENTS = 16384
"""Events sent and not yet acknowledged."""

RESERVE_BYTES = 16 << 10
"""Bytes for the last events of sessions that have not reserved any."""

SYNC_SECONDS = 1.0
SHORTEST_WAIT, LONGEST_WAIT = 0.2, 15.0
_threads = Threads("spool", 2)
_log = logging.getLogger(__name__)


class Reservation:
    """Space in a spool for the last events of a session."""

    def __init__(self, spool: Spool, size: int) -> None:
        self._spool = spool
        self.size = size

    def resize(self, size: int) -> None:
        """Reserve ``size`` bytes from now on. Raises Unavailable, and keeps what it has."""
        more = self._spool.reserve(size)
        self.release()
        self.size = more.size

    def release(self) -> None:
        """Give the space back; the second time it does nothing."""
        self._spool.release(self.size)
        self.size = 0


class Spool:
    """A queue of events in ``directory`` (``spool/<service>/``).

    ``source`` must be ``<role>/<host uuid>``; the directory's random epoch is added to it, so that a
    lost directory never reuses numbers. Methods may be called from any thread; ``deliver`` and
    ``flushed`` belong to one event loop. Raises Unavailable when the directory cannot be used.
    """

    def __init__(self, directory: Path, *, source: str, cluster_name: str, clock: Clock = SYSTEM) -> None:
        try:
            self._segments = Segments(directory, RESERVE_BYTES)
        except OSError as error:
            raise _failure(error) from error
        self.source = f"{source}/{self._segments.epoch}"
        """Name of this spool for the auth service."""
        self._directory = directory
        self._cluster_name = cluster_name
        self._clock = clock
        self._lock = threading.Lock()
        self._synced_at = clock.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self.full = False
        """The last append failed for lack of space or another write error."""
        self.lost = 0
        """Events refused since the start because they could not be written."""
        self._unreported = 0

    @property
    def pending(self) -> int:
        """Events not yet acknowledged by the auth service."""
        return self._segments.last - self._segments.done

    @property
    def position(self) -> int:
        """Number of the last event kept; it only grows, over restarts too."""
        return self._segments.last

    def append(self, event: Event | Mapping[str, Any]) -> EventFields:
        """Keep one event; returns it with ``uid``, ``time`` and ``cluster_name`` filled in.

        On return it survives the death of the process. Raises Unavailable when the disk does not take
        it (then ``full`` is set and ``lost`` counted), BadRequest when it has no ``event`` or ``code``.
        """
        return self.extend([event])[0]

    def extend(
        self, events: Iterable[Event | Mapping[str, Any]], *, reserved: bool = False, counted: bool = False
    ) -> list[EventFields]:
        """Keep several events with one write; all or none are kept. Raises as ``append`` does.

        ``reserved`` events use space of a reservation; the caller reports the loss of ``counted`` ones.
        """
        now = self._clock.now()
        batch = [stamped(event, now, self._cluster_name) for event in events]
        lines = [to_line(fields) for fields in batch]
        self.extend_lines(b"".join(lines), len(lines), reserved=reserved, counted=counted)
        return batch

    def extend_lines(
        self, lines: bytes, count: int, *, reserved: bool = False, counted: bool = False
    ) -> None:
        """Keep ``count`` events that are lines already, as ``extend`` does."""
        with self._lock:
            report = [] if reserved else self._loss_report()
            try:
                self._segments.append(b"".join([*report, lines]), len(report) + count, reserved=reserved)
            except OSError as error:
                self._refuse(count, error, counted=counted)
            if not reserved:
                self.full, self._unreported = False, 0
            self._sync_if_due()
        self._wake()

    def reserve(self, size: int) -> Reservation:
        """Keep ``size`` bytes free for events that must fit. Raises Unavailable when there is no space."""
        with self._lock:
            self._segments.reserve += size
            try:
                self._segments.ensure_reserve()
            except OSError as error:
                self._segments.reserve -= size
                raise _failure(error) from error
        return Reservation(self, size)

    def release(self, size: int) -> None:
        """Give back ``size`` bytes of what was reserved."""
        with self._lock:
            self._segments.reserve -= size

    def _loss_report(self) -> list[bytes]:
        if not self._unreported:
            return []
        gap = AuditGap(source=self.source, lost=self._unreported, reason="the spool could not be written")
        return [to_line(stamped(gap, self._clock.now(), self._cluster_name))]

    def _refuse(self, count: int, error: OSError, *, counted: bool) -> None:
        self.full = True
        self.lost += count
        self._unreported += 0 if counted else count
        raise _failure(error) from error

    def _sync_if_due(self) -> None:
        if self._clock.monotonic() - self._synced_at >= SYNC_SECONDS:
            self._try_sync()

    def _try_sync(self) -> None:
        """Events are kept whether or not this succeeds, and none is sent before it does."""
        try:
            self._sync()
        except OSError as error:
            _log.error("audit events are not durable yet: %s", error.strerror)

    def _sync(self) -> None:
        self._segments.sync()
        self._synced_at = self._clock.monotonic()

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def deliver(self, connect: Callable[[], Client]) -> None:
        """Send events to the auth service until cancelled; reconnects with back-off, forever."""
        self._loop = asyncio.get_running_loop()
        tasks = TaskSet("spool")
        tasks.spawn(self._keep_synced(), name="sync", vital=True)
        delay = SHORTEST_WAIT
        try:
            while True:
                done = self._segments.done
                error = await self._stream(connect(), tasks)
                _log.log(
                    logging.WARNING if self.pending else logging.INFO,
                    "audit events wait (%d): %s",
                    self.pending,
                    error,
                )
                delay = SHORTEST_WAIT if self._segments.done > done else min(LONGEST_WAIT, delay * 2)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        finally:
            await tasks.close()

    async def _keep_synced(self) -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            if self._segments.unsynced:
                await _threads.run(self._flush_or_log)

    async def _stream(self, client: Client, tasks: TaskSet) -> ProctorError:
        """One connection, until it ends; returns why."""
        call = client.audit.Emit()
        reader = SegmentReader(self._segments, self._segments.done)
        acks = tasks.spawn(self._receive(call), name="acks")
        sends = tasks.spawn(self._send(call, reader), name="send")
        try:
            await asyncio.wait((acks, sends), return_when=asyncio.FIRST_COMPLETED)
            # A failed write says only that the call is over; why comes with its status.
            await asyncio.wait((acks,), timeout=1.0)
            return (acks if acks.done() else sends).result()
        finally:
            call.cancel()
            for task in (acks, sends):
                task.cancel()
            await asyncio.wait((acks, sends))

    async def _send(self, call: Any, reader: SegmentReader) -> ProctorError:
        try:
            while True:
                await self._until(lambda: self._may_send(reader.number))
                first = reader.number
                lines = await _threads.run(self._next_batch, reader)
                await call.write(pb.EventBatch(source=self.source, first_sequence=first, lines=lines))
        except grpc.RpcError as error:
            return translated(error)
        except (asyncio.InvalidStateError, OSError) as error:
            return Unavailable(f"audit events cannot be sent: {error}")

    def _may_send(self, number: int) -> bool:
        return number <= self._segments.last and number - self._segments.done <= WINDOW_EVENTS

    def _next_batch(self, reader: SegmentReader) -> bytes:
        with self._lock:
            # What the auth service has stored must never come back under another number.
            self._sync()
            return reader.take(BATCH_BYTES)

    async def _receive(self, call: Any) -> ProctorError:
        try:
            async for ack in call:
                await _threads.run(self._finish, ack.sequence)
                self._changed.set()
        except grpc.RpcError as error:
            return translated(error)
        except ProctorError as error:
            return error
        except OSError as error:
            return Unavailable(f"it cannot be noted which audit events were sent: {error}")
        return Unavailable("the Auth Service closed the stream")

    def _finish(self, sequence: int) -> None:
        with self._lock:
            if sequence > self._segments.last:
                raise ProctorError(f"the Auth Service acknowledged event {sequence}, which was not sent")
            if sequence > self._segments.done:
                self._segments.finish(sequence)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            if not condition():
                await self._changed.wait()

    async def flushed(self, seconds: float | None) -> bool:
        """Wait until nothing is pending; False when ``seconds`` (None: no limit) passed first."""
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(self._until(lambda: not self.pending), seconds)
        except TimeoutError:
            return False
        return True

    async def probe(self) -> None:
        """Return when events can be kept. Raises Unavailable with the reason, or OSError."""
        if self.full:
            raise Unavailable("audit events cannot be written")
        await writable(self._directory)

    def flush(self) -> None:
        """Make everything durable now; by itself it is within a second."""
        with self._lock:
            self._sync()

    def _flush_or_log(self) -> None:
        with self._lock:
            self._try_sync()

    def close(self) -> None:
        """Make everything durable and release files."""
        with self._lock:
            self._segments.close()


def _failure(error: OSError) -> Unavailable:
    return Unavailable(
        f"audit events cannot be written: {error.strerror}",
        hint="Free some space in the data directory of this service, or check the file system.",
    )
