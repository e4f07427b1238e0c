# SPDX-License-Identifier: Apache-2.0
"""Any bytes as a block of records, through the interface that capture uses (``./run fuzz``)."""

from __future__ import annotations

import json
import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports():
    from proctor.captureproto import event_lines
    from testing.kernel_records import formatted

WHO = event_lines.slots({"cluster_name": "c", "login": "l", "server_id": "i", "sid": "s", "user": "u"})


def check(raw: bytes) -> None:
    """Whole records become events that any parser can read, numbered without gaps."""
    try:
        part = formatted(raw)
    except ValueError:
        return
    for batch in part.batches:
        filled = event_lines.fill(batch.lines, WHO, 5)
        events = [json.loads(line) for line in filled.lines.splitlines()]
        if [event["ei"] for event in events] != list(range(5, 5 + batch.kinds.total())):
            raise AssertionError("events are missing or doubled")


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
