"""All audit events there are, by name."""

from __future__ import annotations

import proctor.model.kernel_events  # noqa: F401 - its events count too
from proctor.model.events import Event


def _subclasses(kind: type[Event]) -> list[type[Event]]:
    return [kind, *(sub for child in kind.__subclasses__() for sub in _subclasses(child))]


EVENTS: dict[str, type[Event]] = {kind.EVENT: kind for kind in _subclasses(Event) if kind.EVENT}
"""Event name to struct, for the log and the docs."""
