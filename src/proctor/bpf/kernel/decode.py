"""Kernel records to events: bytes in, field dicts of ``model.events`` out, ValueError for anything else."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from proctor.bpf.kernel import abi
from proctor.bpf.kernel.abi import Flag, Kind, Operation
from proctor.bpf.kernel.tampering import tamper
from proctor.bpf.kernel.text import to_text
from proctor.model.kernel_events import SessionCommand, SessionDisk, SessionNetwork

UNSET = 0xFFFFFFFF
_AF_INET = 2
_AF_INET6 = 10
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 58: "icmpv6", 132: "sctp", 136: "udplite"}
_OPERATIONS: dict[int, int] = {Operation.CONNECT: 0, Operation.SEND: 1, Operation.ACCEPT: 2}
_CUTS = {
    Flag.CUT_PATH.value: "path",
    Flag.CUT_ARGS.value: "args",
    Flag.CUT_ENV.value: "env",
    Flag.UNREADABLE.value: "unreadable",
}
_CUT = sum(_CUTS)
_DELETED = Flag.DELETED.value
_VIA_IO_URING = Flag.VIA_IO_URING.value
_LINKER = re.compile(rb".*/ld([-\d][-\w.]*)?\.so[.\d]*")
_PSEUDO_TERMINAL = re.compile(r"(pts|ptm)(\d+)")


class Record(NamedTuple):
    """One record: which session's, when (CLOCK_MONOTONIC, ns), what kind, and the event's fields."""

    session: int
    time: int
    kind: Kind
    fields: dict[str, Any]


def split(drained: bytes | bytearray) -> Iterator[memoryview]:
    """The records in what ``_native.Ring.drain`` returns. Raises ValueError when it is torn."""
    view = memoryview(drained)
    offset = 0
    while offset < len(view):
        if offset + abi.LENGTH.size > len(view):
            raise ValueError("torn length of a record")
        (length,) = abi.LENGTH.unpack_from(view, offset)
        offset += abi.LENGTH.size
        if offset + length > len(view):
            raise ValueError("torn record")
        yield view[offset : offset + length]
        offset += length


def owner(record: bytes | memoryview) -> tuple[int, int]:
    """Session and kind of a record, whatever its body is like. Raises ValueError when it has no header."""
    if len(record) < abi.HEADER.size:
        raise ValueError(f"record of {len(record)} bytes")
    _, _, session, kind, *_ = abi.HEADER.unpack_from(record)
    return session, kind


def decode(record: bytes | memoryview) -> Record:
    """The event in one record. Raises ValueError when it is none."""
    if len(record) < abi.HEADER.size:
        raise ValueError(f"record of {len(record)} bytes")
    time, cgroup_id, session, number, flags, pid, ppid, uid, euid, audit, result, program = (
        abi.HEADER.unpack_from(record)
    )
    if number not in _BODIES:
        raise ValueError(f"record of kind {number}")
    fields: dict[str, Any] = {
        "pid": pid,
        "cgroup_id": cgroup_id,
        "program": to_text(program.split(b"\0", 1)[0]),
        "process_uid": uid,
        "process_euid": euid,
        "return_code": result,
    }
    if flags & _VIA_IO_URING:
        fields["via"] = "io_uring"
    if audit != UNSET:
        fields["audit_session_id"] = audit
    kind, body = _BODIES[number]
    body(bytes(record[abi.HEADER.size :]), flags, fields)
    if kind is Kind.COMMAND:
        fields["ppid"] = ppid
    if flags & _CUT:
        fields["truncated"] = [name for flag, name in _CUTS.items() if flags & flag]
    return Record(session, time, kind, fields)


def _command(body: bytes, flags: int, fields: dict[str, Any]) -> None:
    if len(body) < abi.COMMAND.size:
        raise ValueError("torn command")
    *sizes, args_size, _ = abi.COMMAND.unpack_from(body)
    rest = body[abi.COMMAND.size :]
    if sum(sizes) + args_size > len(rest):
        raise ValueError("texts of a command beyond its end")
    texts = {}
    for name, size in zip(abi.COMMAND_TEXTS, sizes, strict=True):
        texts[name], rest = rest[:size], rest[size:]
    args = _strings(rest[:args_size])
    path = _absolute(texts["path"], texts["cwd"]) if fields["return_code"] == 0 else texts["path"]
    fields |= {"event": SessionCommand.EVENT, "code": SessionCommand.CODE}
    fields |= {"path": to_text(path), "argv": args[1:], "args": args}
    optional = {
        "exe": _named(texts["exe"], flags),
        "exe_state": _state(texts["exe"], flags),
        "cwd": to_text(texts["cwd"]),
        "tty": _terminal(to_text(texts["tty"])),
        "interpreter": to_text(texts["interpreter"]),
        "env": _environment(texts["env"]),
    }
    fields.update({name: value for name, value in optional.items() if value})


def _disk(body: bytes, flags: int, fields: dict[str, Any]) -> None:
    if len(body) < abi.DISK.size:
        raise ValueError("torn opened file")
    open_flags, size = abi.DISK.unpack_from(body)
    path = body[abi.DISK.size :]
    if size > len(path):
        raise ValueError("path of an opened file beyond its end")
    fields["event"] = SessionDisk.EVENT
    fields["code"] = SessionDisk.CODE
    fields["path"] = _named(path[:size], flags)
    fields["flags"] = open_flags


def _network(body: bytes, flags: int, fields: dict[str, Any]) -> None:
    if len(body) < abi.ENDPOINTS.size:
        raise ValueError("torn connection")
    operation, family, protocol, source_port, destination_port, source, destination = (
        abi.ENDPOINTS.unpack_from(body)
    )
    if family not in (_AF_INET, _AF_INET6):
        raise ValueError(f"connection of family {family}")
    if operation not in _OPERATIONS:
        raise ValueError(f"connection of operation {operation}")
    target = _address(family, destination)
    fields |= {"event": SessionNetwork.EVENT, "code": SessionNetwork.CODE}
    fields |= {
        "operation": _OPERATIONS[operation],
        "action": 0,
        "version": target.version,
        "src_addr": str(_source(_address(family, source), target)),
        "src_port": source_port,
        "dst_addr": str(target),
        "dst_port": destination_port,
        "protocol": _PROTOCOLS.get(protocol, str(protocol)),
    }


_BODIES: dict[int, tuple[Kind, Callable[[bytes, int, dict[str, Any]], None]]] = {
    kind.value: (kind, body)
    for kind, body in (
        (Kind.COMMAND, _command),
        (Kind.DISK, _disk),
        (Kind.NETWORK, _network),
        (Kind.TAMPER, tamper),
    )
}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(family: int, raw: bytes) -> Address:
    """The address; one that is mapped from IPv4 is what it stands for."""
    if family == _AF_INET:
        return ipaddress.IPv4Address(raw[:4])
    address = ipaddress.IPv6Address(raw)
    return address.ipv4_mapped or address


def _source(source: Address, target: Address) -> Address:
    """An unbound source has no family; it is shown in that of the target."""
    if source.version != target.version and not int(source):
        return type(target)(0)
    return source


def _strings(raw: bytes) -> list[str]:
    """Texts of a block of strings that end with NUL; the last may be cut short."""
    if not raw:
        return []
    return [to_text(part) for part in raw.removesuffix(b"\0").split(b"\0")]


def _environment(raw: bytes) -> dict[str, str]:
    pairs = (text.partition("=") for text in _strings(raw))
    return {name: value for name, _, value in pairs}


def _absolute(path: bytes, cwd: bytes) -> bytes:
    if path.startswith(b"/") or not cwd:
        return path
    return cwd.rstrip(b"/") + b"/" + path.removeprefix(b"./")


def _named(path: bytes, flags: int) -> str:
    """As ``/proc/<pid>/exe`` shows it: a file without a name is marked."""
    return to_text(path) + (" (deleted)" if path and flags & _DELETED else "")


def _state(exe: bytes, flags: int) -> str:
    """Why ``exe`` does not say by itself what was run; names of memory files have no slash before them."""
    if exe.startswith(b"memfd:"):
        return "memfd"
    if flags & _DELETED:
        return "deleted"
    return "linker" if _LINKER.fullmatch(exe) else ""


def _terminal(name: str) -> str:
    if not name:
        return ""
    return "/dev/" + _PSEUDO_TERMINAL.sub(r"\1/\2", name)
