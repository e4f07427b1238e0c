from __future__ import annotations

from typing import Any

import pytest

from proctor.bpf.kernel import abi, decode
from proctor.bpf.kernel.abi import Flag, Kind, Operation, Technique
from proctor.model.events import Event
from proctor.model.kernel_events import (
    SessionCommand,
    SessionDisk,
    SessionEscape,
    SessionNetwork,
    SessionTamper,
)
from proctor.model.serde import convert
from tests.support.kernel_records import command, connection, header, opened, tampering

ORIGIN = {
    "pid": 5007,
    "cgroup_id": 2360,
    "program": "curl",
    "process_uid": 1000,
    "process_euid": 0,
}


def fields(record: bytes) -> dict[str, Any]:
    return decode.decode(record).fields


def test_command_of_the_guide() -> None:
    record = decode.decode(command(b"curl\0https://wttr.in\0"))

    assert (record.session, record.time, record.kind) == (1, 1_000_000_000, Kind.COMMAND)
    assert record.fields == {
        **ORIGIN,
        "event": "session.command",
        "code": "T4000I",
        "ppid": 4985,
        "path": "/bin/curl",
        "argv": ["https://wttr.in"],
        "args": ["curl", "https://wttr.in"],
        "return_code": 0,
        "exe": "/usr/bin/curl",
        "cwd": "/root",
    }


def test_connection_of_the_guide() -> None:
    assert fields(connection("172.31.34.128", "5.9.243.187")) == {
        **ORIGIN,
        "event": "session.network",
        "code": "T4002I",
        "action": 0,
        "operation": 0,
        "version": 4,
        "src_addr": "172.31.34.128",
        "src_port": 40000,
        "dst_addr": "5.9.243.187",
        "dst_port": 443,
        "protocol": "tcp",
        "return_code": 0,
    }


def test_opened_file() -> None:
    assert fields(opened(b"/etc/passwd", open_flags=0o2000000)) == {
        **ORIGIN,
        "event": "session.disk",
        "code": "T4001I",
        "path": "/etc/passwd",
        "flags": 0o2000000,
        "return_code": 3,
    }


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (command(b"a\0", tty=b"pts3", interpreter=b"/bin/sh", env=b"LD_X=1\0"), SessionCommand),
        (opened(b"/x", flags=Flag.CUT_PATH), SessionDisk),
        (opened(b"/x", flags=Flag.VIA_IO_URING), SessionDisk),
        (connection("::1", "::1"), SessionNetwork),
        (tampering(Technique.PTRACE, argument=16, target=1, text=b"init", result=-1), SessionTamper),
        (tampering(Technique.ESCAPE, target=7, text=b"/elsewhere"), SessionEscape),
    ],
)
def test_fields_are_those_of_the_event(record: bytes, kind: type[Event]) -> None:
    found = fields(record)
    event = convert({name: value for name, value in found.items() if name != "event"}, kind)
    for name, value in found.items():
        assert name == "event" or getattr(event, name) == value


@pytest.mark.parametrize(
    ("raw", "args"),
    [
        (b"", []),
        (b"a\0", ["a"]),
        (b"a\0\0b\0", ["a", "", "b"]),
        (b"a\0cut", ["a", "cut"]),
        (b"\0", [""]),
        (b"\xff\0", ["\\xff"]),
    ],
)
def test_arguments(raw: bytes, args: list[str]) -> None:
    found = fields(command(raw))
    assert found["args"] == args
    assert found["argv"] == args[1:]


@pytest.mark.parametrize(
    ("path", "cwd", "result", "absolute"),
    [
        (b"/bin/ls", b"/root", 0, "/bin/ls"),
        (b"./run", b"/root", 0, "/root/run"),
        (b"bin/run", b"/", 0, "/bin/run"),
        (b"../run", b"/root", 0, "/root/../run"),
        (b"./run", b"/root", -2, "./run"),
    ],
)
def test_path_of_a_command(path: bytes, cwd: bytes, result: int, absolute: str) -> None:
    assert fields(command(b"x\0", path=path, cwd=cwd, result=result))["path"] == absolute


@pytest.mark.parametrize(("raw", "name"), [(b"pts12", "/dev/pts/12"), (b"tty1", "/dev/tty1")])
def test_terminal(raw: bytes, name: str) -> None:
    assert fields(command(b"x\0", tty=raw))["tty"] == name


def test_environment() -> None:
    found = fields(command(b"x\0", env=b"LD_PRELOAD=/a=b\0LD_EMPTY\0"))
    assert found["env"] == {"LD_PRELOAD": "/a=b", "LD_EMPTY": ""}


@pytest.mark.parametrize(
    ("record", "cut"),
    [
        (command(b"x", flags=Flag.CUT_ARGS | Flag.CUT_ENV), ["args", "env"]),
        (command(b"x", flags=Flag.CUT_PATH), ["path"]),
        (opened(b"/x", flags=Flag.CUT_PATH | Flag.UNREADABLE), ["path", "unreadable"]),
    ],
)
def test_what_was_cut_is_said(record: bytes, cut: list[str]) -> None:
    assert fields(record)["truncated"] == cut


def test_deleted_files_are_marked() -> None:
    assert fields(opened(b"/tmp/x", flags=Flag.DELETED))["path"] == "/tmp/x (deleted)"
    assert fields(command(b"x\0", flags=Flag.DELETED))["exe"] == "/usr/bin/curl (deleted)"


@pytest.mark.parametrize(
    ("source", "destination", "version", "shown"),
    [
        ("::1", "::1", 6, ("::1", "::1")),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.2", 4, ("127.0.0.1", "127.0.0.2")),
        ("::", "::ffff:127.0.0.2", 4, ("0.0.0.0", "127.0.0.2")),
        ("fe80::1", "ff02::fb", 6, ("fe80::1", "ff02::fb")),
    ],
)
def test_addresses(source: str, destination: str, version: int, shown: tuple[str, str]) -> None:
    found = fields(connection(source, destination))
    assert (found["version"], (found["src_addr"], found["dst_addr"])) == (version, shown)


@pytest.mark.parametrize(
    ("operation", "number"), [(Operation.CONNECT, 0), (Operation.SEND, 1), (Operation.ACCEPT, 2)]
)
def test_operations(operation: Operation, number: int) -> None:
    assert fields(connection("::1", "::1", operation=operation))["operation"] == number


def test_protocols() -> None:
    assert fields(connection("::1", "::1", protocol=17))["protocol"] == "udp"
    assert fields(connection("::1", "::1", protocol=250))["protocol"] == "250"


@pytest.mark.parametrize(
    ("technique", "argument", "detail"),
    [
        (Technique.BPF, 5, "BPF_PROG_LOAD"),
        (Technique.BPF, 999, "command 999"),
        (Technique.PTRACE, 16, "PTRACE_ATTACH"),
        (Technique.PTRACE, 1, "request 1"),
        (Technique.SIGNAL, 9, "SIGKILL"),
        (Technique.SIGNAL, 999, "signal 999"),
        (Technique.MOUNT, 0, None),
    ],
)
def test_details_of_tampering(technique: Technique, argument: int, detail: str | None) -> None:
    found = fields(tampering(technique, argument=argument, result=-1))
    assert (found["technique"], found["return_code"]) == (technique.name.lower(), -1)
    assert found.get("detail") == detail


@pytest.mark.parametrize(
    ("exe", "flags", "state"),
    [
        (b"/usr/bin/curl", Flag(0), None),
        (b"/usr/bin/curl", Flag.DELETED, "deleted"),
        (b"memfd:x", Flag.DELETED, "memfd"),
        (b"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", Flag(0), "linker"),
        (b"/lib/ld-musl-x86_64.so.1", Flag(0), "linker"),
        (b"/usr/lib/ldap.so", Flag(0), None),
    ],
)
def test_state_of_the_executable(exe: bytes, flags: Flag, state: str | None) -> None:
    assert fields(command(b"a\0", exe=exe, flags=flags)).get("exe_state") == state


WHOLE = command(b"ls\0-la\0")


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (b"", "record of 0 bytes"),
        (WHOLE[: abi.HEADER.size - 1], "record of"),
        (WHOLE[: abi.HEADER.size + 4], "torn command"),
        (WHOLE[:-1], "beyond its end"),
        (opened(b"/etc")[:-1], "beyond its end"),
        (opened(b"")[:-1], "torn opened file"),
        (connection("::1", "::1")[:-1], "torn connection"),
        (connection("::1", "::1", operation=0), "operation 0"),
        (connection("::1", "::1", operation=9), "operation 9"),
        (header(Kind.NETWORK) + abi.ENDPOINTS.pack(1, 7, 6, 1, 1, b"", b""), "family 7"),
        (header(Kind.PROCESS), "kind 0"),
        (tampering(Technique.NONE), "without a technique"),
        (tampering(999), "999"),
        (tampering(Technique.BPF, text=b"x")[:-1], "beyond its end"),
        (header(Kind.TAMPER), "torn record of tampering"),
    ],
)
def test_what_is_no_record(record: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        decode.decode(record)


def test_owner_needs_the_header_only() -> None:
    assert decode.owner(WHOLE[: abi.HEADER.size]) == (1, Kind.COMMAND)
    with pytest.raises(ValueError, match="record of"):
        decode.owner(b"x")


def test_split() -> None:
    block = b"".join(abi.LENGTH.pack(len(part)) + part for part in (b"one", b"", b"three"))

    assert [bytes(part) for part in decode.split(block)] == [b"one", b"", b"three"]


@pytest.mark.parametrize("torn", [b"\x01", abi.LENGTH.pack(4) + b"abc"])
def test_split_of_a_torn_block(torn: bytes) -> None:
    with pytest.raises(ValueError, match="torn"):
        list(decode.split(torn))
