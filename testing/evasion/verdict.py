# SPDX-License-Identifier: Apache-2.0
"""What was seen of a technique, and whose it was said to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from testing.evasion.catalogue import WORD, Technique
from testing.evasion.ground import TechniqueSandbox

Event = dict[str, Any]
OPERATIONS = {"accept": 2, "listen": 3, "socket": 4}


def tells(args: Sequence[str], trace: str) -> bool:
    """Whether ``args`` are the marked command's: a program and the word, or what ends in ``trace``."""
    if trace:
        return " ".join(args).endswith(trace)
    return len(args) == 2 and args[1] == WORD


def shows(event: Event, ground: TechniqueSandbox) -> bool:
    """Whether ``event`` says what the technique was to hide."""
    technique = ground.technique
    match technique.seen, event["event"]:
        case "command", "session.command":
            return not event["return_code"] and tells(event["args"], technique.trace)
        case "open", "session.disk":
            return bool(event["return_code"] >= 0 and event["path"] == ground.hidden)
        case "connection", "session.network":
            return bool(event["operation"] in (0, 1) and event["dst_port"] == ground.port)
        case ("accept" | "listen" | "socket") as operation, "session.network":
            return bool(event["operation"] == OPERATIONS[operation])
        case "loader", "session.command":
            return bool(event.get("loader") == ground.hidden)
        case "tamper", "session.tamper":
            return bool(event["technique"] == technique.trace)
        case "escape", "session.escape":
            return True
    return False


def summary(technique: Technique, events: Sequence[Event]) -> str:
    """What a failed test prints: the events of the kind that was expected."""
    names = {"open": "disk", "loader": "command"} | dict.fromkeys(["connection", *OPERATIONS], "network")
    kind = f"session.{names.get(technique.seen, technique.seen)}"
    return "\n".join(str(event) for event in events if event["event"] == kind) or f"no {kind} at all"
