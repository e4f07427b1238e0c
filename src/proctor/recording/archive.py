"""Recordings as the auth service keeps them: append-only, of one owner, closed by a checksum."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from proctor.core.clock import SYSTEM, Clock
from proctor.model.events import Event
from proctor.rpc._pb import record_pb2 as pb


class Archive:
    """Files of recordings in ``<root>/<host_uuid>/sessions/default`` (``root``: ``<data_dir>/log``).

    Who owns a recording and whether it is complete is kept in ``<data_dir>/backend/recordings``.
    """

    def __init__(self, root: Path, host_uuid: str, clock: Clock = SYSTEM) -> None:
        raise NotImplementedError

    def upload(
        self, frames: AsyncIterator[pb.UploadFrame], *, host_id: str, emit: Callable[[Event], object]
    ) -> AsyncIterator[pb.UploadStatus]:
        """The body of ``Recordings.Upload`` for the node ``host_id``: one status per frame.

        ``emit`` (``AuditLog.append_own``) receives ``session.upload`` when a recording is completed.
        Raises BadRequest for malformed ids, names or offsets, AccessDenied for another node's recording,
        AlreadyExists for bytes that differ from those stored or come after completion, Corrupted when
        the checksum does not fit, Unavailable when the disk is full.
        """
        raise NotImplementedError

    def read(self, sid: str, *, follow: bool = False) -> AsyncIterator[pb.FileChunk]:
        """The files of a recording; with ``follow`` goes on until it is completed. Raises NotFound."""
        raise NotImplementedError

    def has(self, sid: str) -> bool:
        """Is there a recording of ``sid``, live or complete? Raises BadRequest."""
        raise NotImplementedError

    def live(self) -> list[pb.RecordingInfo]:
        """Recordings being received, newest first."""
        raise NotImplementedError


def ended(session_end: Mapping[str, Any]) -> pb.RecordingInfo:
    """What a ``session.end`` event of the audit log says about its recording."""
    raise NotImplementedError
