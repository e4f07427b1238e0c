# SPDX-License-Identifier: Apache-2.0
"""The fields of an event that searches and the index look at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from proctor.core.errors import Corrupted


class EventHead(msgspec.Struct, kw_only=True):
    """The decoded part of an event; fields that hosts fill may be anything."""

    event: str
    uid: str
    time: datetime
    ei: int = 0
    sid: Any = ""
    user: Any = ""
    server_id: Any = ""
    server_hostname: Any = ""


_decoder = msgspec.json.Decoder(EventHead)


def brief_of(line: bytes) -> EventHead:
    """The brief of a line of the log. Raises Corrupted when it is no event."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupted(f"not an event: {error}") from None
