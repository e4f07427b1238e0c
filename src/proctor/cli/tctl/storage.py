# SPDX-License-Identifier: Apache-2.0
"""``tctl storage`` and ``tctl retention``."""

from __future__ import annotations

from typing import Any

from proctor.cli.output import fields, size_text, table
from proctor.core.text import counted
from proctor.rpc._pb import record_pb2 as pb
from proctor.rpc.auth_client import Client

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


async def storage(client: Client) -> pb.StorageResponse:
    """Return the disk use of the auth service."""
    answer: pb.StorageResponse = await client.call(client.audit.Storage, pb.StorageRequest())
    return answer


def storage_data(found: pb.StorageResponse) -> dict[str, Any]:
    """Return it for ``--format=json``: bytes and seconds; a retention of 0 is for ever."""
    return {
        "days": [
            {"day": day.day, "bytes": day.bytes, "size": day.size, "compressed": day.compressed}
            for day in found.days
        ],
        "log_bytes": sum(day.bytes for day in found.days),
        "recordings": found.recordings,
        "recording_bytes": found.recording_bytes,
        "state_bytes": found.state_bytes,
        "index_bytes": found.index_bytes,
        "free_bytes": found.free_bytes,
        "audit_retention_seconds": found.events_retention,
        "sessions_retention_seconds": found.recordings_retention,
    }


def storage_text(found: pb.StorageResponse) -> str:
    """Return totals and the days, oldest first."""
    log = size_text(sum(day.bytes for day in found.days))
    pairs = [
        ("Audit log", f"{log}, {counted(len(found.days), 'day')}"),
        ("Recordings", f"{size_text(found.recording_bytes)}, {counted(found.recordings, 'session')}"),
        ("State", size_text(found.state_bytes)),
        ("Search index", size_text(found.index_bytes)),
        ("Free space", size_text(found.free_bytes)),
        ("Audit log kept", _period(found.events_retention)),
        ("Recordings kept", _period(found.recordings_retention)),
    ]
    rows = [
        [day.day, size_text(day.bytes), size_text(day.size), "yes" if day.compressed else "no"]
        for day in found.days
    ]
    return fields(pairs) + "\n\n" + table(["Day", "On Disk", "Events", "Compressed"], rows)


def _period(seconds: int) -> str:
    for unit, length in _UNITS:
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return "for ever"


async def retain(client: Client, *, dry_run: bool) -> pb.RetainResponse:
    """Remove what is due, or have it said."""
    request = pb.RetainRequest(dry_run=dry_run)
    answer: pb.RetainResponse = await client.call(client.audit.Retain, request, timeout=600.0)
    return answer


def retain_data(found: pb.RetainResponse, *, dry_run: bool) -> dict[str, Any]:
    """Return it for ``--format=json``."""
    return {
        "dry_run": dry_run,
        "days": list(found.days),
        "recordings": list(found.recordings),
        "events": found.events,
        "bytes": found.bytes,
        "held": found.held,
    }


def retain_text(found: pb.RetainResponse, *, dry_run: bool) -> str:
    """Return what was or would be removed, a line for each day and recording."""
    lines = [
        f"{'would remove' if dry_run else 'removed'} the day {day} of the audit log" for day in found.days
    ]
    lines += [
        f"{'would remove' if dry_run else 'removed'} the recording of session {sid}"
        for sid in found.recordings
    ]
    lines.append(
        f"{counted(found.events, 'event')} and {counted(len(found.recordings), 'recording')}, "
        f"{size_text(found.bytes)}"
        if lines
        else "nothing is due"
    )
    if found.held:
        lines.append(f"NOTE: {found.held}")
    return "\n".join(lines)
