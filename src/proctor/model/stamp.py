# SPDX-License-Identifier: Apache-2.0
"""The last step before an event is stored: mandatory fields, bounded size, one canonical line of JSON."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from proctor.core.clock import format_time, parse_time
from proctor.core.errors import BadRequest
from proctor.model.event import SESSION_UPLOAD_INDEX, Event
from proctor.model.event_schema import schemas

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields

try:
    from proctor.model import _jsonlines
except ImportError:  # It is built where capture is: elsewhere every event is decoded.
    COMPILED = False
else:
    COMPILED = True


MAX_LINE = 1 << 20
"""Bytes of the longest line; longer events have their largest fields cut."""

MAX_FIELDS = 256
MAX_CUTS = 24

_encoder = msgspec.json.Encoder(order="sorted")


def stamped(event: Event | Mapping[str, Any], moment: datetime, cluster_name: str) -> EventFields:
    """The event as a dict with ``ei``, ``uid``, ``time`` and ``cluster_name`` filled in where empty.

    Raises BadRequest when ``event`` or ``code`` is missing, or a mandatory field is not what it must be.
    """
    fields: dict[str, Any] = {**(event.to_dict() if isinstance(event, Event) else event)}
    fields.setdefault("ei", 0)
    fields["uid"] = fields.get("uid") or str(uuid.uuid4())
    fields["time"] = fields.get("time") or format_time(moment)
    fields["cluster_name"] = fields.get("cluster_name") or cluster_name
    _check(fields)
    return cast("EventFields", fields)


def _check(fields: dict[str, Any]) -> None:
    if len(fields) > MAX_FIELDS:
        raise BadRequest(f"audit event with more than {MAX_FIELDS} fields")
    for name in ("event", "code"):
        if not fields.get(name):
            raise BadRequest(f"audit event without {name}")
    for name in ("event", "code", "uid", "time", "cluster_name"):
        if not isinstance(fields[name], str):
            raise BadRequest(f"audit event whose {name} is not text")
    if type(fields["ei"]) is not int or not 0 <= fields["ei"] <= SESSION_UPLOAD_INDEX:
        raise BadRequest("audit event whose ei is not a number")
    fields["time"] = _canonical_time(fields["time"])[0]


@lru_cache(maxsize=1024)
def _canonical_time(text: str) -> tuple[str, datetime]:
    """A time as events spell it, and the moment itself."""
    try:
        moment = parse_time(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 1970 <= moment.year < 9999:
        raise BadRequest(f"audit event whose time is not a time: {text[:64]!r}")
    return format_time(moment), moment


class Stamp(NamedTuple):
    """Name and time of an event."""

    uid: str
    time: datetime


def scanned(raw: bytes) -> Stamp | None:
    """The stamp of an event that may be stored as it is; None when it takes ``stamped`` and ``to_line``."""
    found = _jsonlines.scan(raw) if COMPILED and len(raw) < MAX_LINE else None
    if found is None:
        return None
    cluster_name, code, ei, event, time, uid = found
    if not (cluster_name and code and event and uid and ei.isdigit()) or int(ei) > SESSION_UPLOAD_INDEX:
        return None
    try:
        text, moment = _canonical_time(time)
    except BadRequest:
        return None
    return Stamp(uid, moment) if text == time else None


class EventContext(NamedTuple):
    """Who and where, for all lines of which this is the same; empty for what a line does not have.

    ``first`` and ``last``: the earliest and latest ``time`` of these lines.
    """

    event: str
    login: str
    namespace: str
    server_hostname: str
    server_id: str
    sid: str
    user: str
    first: str
    last: str


class Summary(NamedTuple):
    """What lines say as a whole: how many, their times, and which combinations of these fields there are.

    ``uids``: a fingerprint of each event's ``uid`` (``model.uids``).
    """

    total: int
    first: datetime
    last: datetime
    contexts: tuple[EventContext, ...]
    clusters: frozenset[str]
    uids: bytes

    @property
    def events(self) -> frozenset[str]:
        """The names of all events."""
        return frozenset(context.event for context in self.contexts)


def count_lines(lines: bytes) -> int:
    """Count newlines, some 20 times as fast as ``bytes.count``."""
    return _jsonlines.count_lines(lines) if COMPILED else lines.count(b"\n")


@cache
def _schema() -> object:
    return _jsonlines.make_schema(schemas())


def summary(lines: bytes, key: bytes, *, typed: bool = False) -> Summary | None:
    """Of events that may all be stored as they are, each with its newline; None when one may not.

    ``key``: that of the fingerprints, 16 bytes. ``typed``: each must be as the catalogue has it, in all of
    its fields. Also None when the lines have too many different contexts, and where the compiled check is not
    built.
    """
    schema = _schema() if typed and COMPILED else None
    found = _jsonlines.scan_lines(lines, MAX_LINE, SESSION_UPLOAD_INDEX, schema, key) if COMPILED else None
    if found is None:
        return None
    total, first, last, contexts, clusters, uids = found
    several = tuple(EventContext(*context) for context in contexts)
    return Summary(total, parse_time(first), parse_time(last), several, frozenset(clusters), uids)


def to_line(fields: Mapping[str, Any]) -> bytes:
    """``fields`` as one line of JSON, keys sorted, newline at the end, at most MAX_LINE bytes.

    Bytes of a text that is not Unicode (a file name of another encoding) are spelled out as escapes;
    what is cut to fit is named in ``truncated``. Raises BadRequest when cutting does not help.
    """
    for _ in range(MAX_CUTS):
        line = _encode(fields)
        if len(line) <= MAX_LINE:
            return line
        fields = _shortened(fields)
    raise BadRequest("audit event that is too large")


def _encode(fields: Mapping[str, Any]) -> bytes:
    try:
        return _encoder.encode(fields) + b"\n"
    except UnicodeEncodeError:
        return _encoder.encode(_spelled_out(fields)) + b"\n"


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_spelled_out(key): _spelled_out(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled_out(item) for item in value]
    return value


def _shortened(fields: Mapping[str, Any]) -> dict[str, Any]:
    name = max(fields, key=lambda key: len(_encode({key: fields[key]})))
    value = fields[name]
    shorter = value[: len(value) // 2] if isinstance(value, str | list) else type(value)()
    before = fields.get("truncated")
    cut = before if isinstance(before, list) else []
    return {**fields, name: shorter, "truncated": cut if name in cut else [*cut, name]}
