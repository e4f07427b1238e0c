# SPDX-License-Identifier: Apache-2.0
"""Keys, codes and slot positions of the kernel's events for ``native/eventfmt``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.generate.schema import Event, Schema

_HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* Written by `./run generate` from schema/events.toml; do not edit. */
#pragma once

"""


def slots(schema: Schema) -> list[str]:
    """The first key of each slot: keys of the node between which a line may have one of capture.

    The number of slots is part of the protocol between capture and node, so a key that only detached files
    have (``mount_id``, between ``login`` and ``namespace``) divides none.
    """
    found: list[str] = []
    inside = False
    for name in sorted({name for event in schema.kernel for name in event.fields}):
        fields = [event.fields[name] for event in schema.kernel if name in event.fields]
        by = {field.by for field in fields}
        if "node" in by:
            if not inside:
                found.append(name)
            inside = True
        elif "kernel" in by and name not in OUT_OF_ORDER:
            inside = False
    return found


OUT_OF_ORDER = ("mount_id",)


def header(schema: Schema) -> str:
    """``native/eventfmt/event_fields.h``."""
    return _HEAD + "\n".join(["/* slots: " + ", ".join(slots(schema)) + " */", ""])


def files() -> Iterator[tuple[str, Callable[[Schema], str]]]:
    """What this module writes."""
    yield "native/eventfmt/event_fields.h", header


_ = Event
