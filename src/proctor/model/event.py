# SPDX-License-Identifier: Apache-2.0
"""The base of all audit events (``model.events``, which is generated from ``schema/events.toml``).

JSON names are literal (dots of ``addr.local`` become ``_`` in Python). ``ei``, ``event``, ``uid``, ``code``,
``time`` and ``cluster_name`` are in every event; other fields are left out when they are empty, except those
that a struct lists in ``ALWAYS``. Shapes follow Teleport's event catalogue, see docs/audit-events.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

if TYPE_CHECKING:
    from proctor.model.event_types import EventFields


NAMESPACE = "default"
SESSION_DATA_INDEX = 2**31 - 2
SESSION_UPLOAD_INDEX = 2**31 - 1

_DOTTED = {"addr_local": "addr.local", "addr_remote": "addr.remote"}


def _json_name(field: str) -> str:
    return _DOTTED.get(field, field)


class Event(msgspec.Struct, kw_only=True, omit_defaults=True, rename=_json_name):
    """Fields of every event. Emitters fill ``uid``, ``time`` and ``cluster_name`` when empty."""

    EVENT: ClassVar[str] = ""
    CODE: ClassVar[str] = ""
    FAILURE_CODE: ClassVar[str] = ""
    CODES: ClassVar[tuple[str, ...]] = ()
    ALWAYS: ClassVar[tuple[str, ...]] = ()
    EMITTERS: ClassVar[frozenset[str]] = frozenset()
    SOURCE: ClassVar[str] = ""

    code: str = ""
    ei: int = 0
    uid: str = ""
    time: str = ""
    cluster_name: str = ""

    def failed(self) -> bool:
        """Does this event report a failure, and so carry FAILURE_CODE?"""
        return getattr(self, "success", True) is False or bool(getattr(self, "exitError", ""))

    def to_dict(self) -> EventFields:
        """The JSON object, keys sorted, code chosen, mandatory fields present."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        fields["event"] = self.EVENT
        code = self.FAILURE_CODE if self.FAILURE_CODE and self.failed() else self.CODE
        fields["code"] = self.code or code
        for name in ("ei", "uid", "time", "cluster_name", *self.ALWAYS):
            fields.setdefault(_json_name(name), getattr(self, name))
        return copied(dict(sorted(fields.items())))


def copied(fields: Mapping[str, Any]) -> EventFields:
    """A copy of an event that is decoded already."""
    return cast("EventFields", dict(fields))


def sftp_code(action: int, *, failed: bool) -> str:
    """``TS001I`` for a successful open (action 1) and so on, actions counted from 1."""
    return f"TS{action:03d}{'E' if failed else 'I'}"
