"""What a record of tampering means: fields of ``session.tamper`` and ``session.escape``."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from proctor.bpf.kernel import abi
from proctor.bpf.kernel.abi import Technique
from proctor.bpf.kernel.text import to_text
from proctor.model.kernel_events import SessionEscape, SessionTamper

_BPF_COMMANDS = (
    "MAP_CREATE", "MAP_LOOKUP_ELEM", "MAP_UPDATE_ELEM", "MAP_DELETE_ELEM", "MAP_GET_NEXT_KEY", "PROG_LOAD",
    "OBJ_PIN", "OBJ_GET", "PROG_ATTACH", "PROG_DETACH", "PROG_TEST_RUN", "PROG_GET_NEXT_ID",
    "MAP_GET_NEXT_ID", "PROG_GET_FD_BY_ID", "MAP_GET_FD_BY_ID", "OBJ_GET_INFO_BY_FD", "PROG_QUERY",
    "RAW_TRACEPOINT_OPEN", "BTF_LOAD", "BTF_GET_FD_BY_ID", "TASK_FD_QUERY", "MAP_LOOKUP_AND_DELETE_ELEM",
    "MAP_FREEZE", "BTF_GET_NEXT_ID", "MAP_LOOKUP_BATCH", "MAP_LOOKUP_AND_DELETE_BATCH", "MAP_UPDATE_BATCH",
    "MAP_DELETE_BATCH", "LINK_CREATE", "LINK_UPDATE", "LINK_GET_FD_BY_ID", "LINK_GET_NEXT_ID",
    "ENABLE_STATS", "ITER_CREATE", "LINK_DETACH", "PROG_BIND_MAP", "TOKEN_CREATE",
)  # fmt: skip
_PTRACE_REQUESTS = {16: "PTRACE_ATTACH", 0x4206: "PTRACE_SEIZE"}


def tamper(body: bytes, flags: int, fields: dict[str, Any]) -> None:
    """Add what the record's ``body`` says to ``fields``. Raises ValueError for what is no such record."""
    if len(body) < abi.TAMPER.size:
        raise ValueError("torn record of tampering")
    argument, target, number, size = abi.TAMPER.unpack_from(body)
    text = body[abi.TAMPER.size :]
    if size > len(text):
        raise ValueError("text of tampering beyond its end")
    technique = Technique(number)
    if technique is Technique.NONE:
        raise ValueError("tampering without a technique")
    if technique is Technique.ESCAPE:
        fields |= {"event": SessionEscape.EVENT, "code": SessionEscape.CODE}
        fields |= {"cgroup": to_text(text[:size]), "by_pid": target}
        del fields["return_code"]
        return
    fields |= {"event": SessionTamper.EVENT, "code": SessionTamper.CODE, "technique": technique.name.lower()}
    optional = {"target_pid": target, "target": to_text(text[:size]), "detail": _detail(technique, argument)}
    fields.update({name: value for name, value in optional.items() if value})


def _detail(technique: Technique, argument: int) -> str:
    describe = _DETAILS.get(technique)
    return describe(argument) if describe else ""


def _bpf(command: int) -> str:
    return f"BPF_{_BPF_COMMANDS[command]}" if command < len(_BPF_COMMANDS) else f"command {command}"


def _ptrace(request: int) -> str:
    return _PTRACE_REQUESTS.get(request, f"request {request}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


_DETAILS: dict[Technique, Callable[[int], str]] = {
    Technique.BPF: _bpf,
    Technique.PTRACE: _ptrace,
    Technique.SIGNAL: _signal,
}
