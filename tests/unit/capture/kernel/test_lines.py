# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from proctor.capture.kernel import abi, formatter
from proctor.capture.kernel.abi import Flag, Operation, RecordKind, Technique
from proctor.capture.kernel.formatter import LineOwner
from proctor.captureproto import event_lines
from proctor.core.errors import Corrupted
from proctor.model.event import Event
from proctor.model.events import (
    SessionCommand,
    SessionDisk,
    SessionEscape,
    SessionNetwork,
    SessionTamper,
)
from proctor.model.serde import convert, to_json
from testing.kernel_records import (
    OWNER,
    block_of,
    command,
    connection,
    event_of,
    formatted,
    header,
    opened,
    tampering,
)

ORIGIN = {
    "pid": 5007,
    "cgroup_id": 2360,
    "program": "curl",
    "process_uid": 1000,
    "process_euid": 0,
}


def fields(record: bytes) -> dict[str, Any]:
    """All but name and time."""
    return {name: value for name, value in event_of(record).items() if name not in {"uid", "time"}}


def test_name_and_time() -> None:
    event = event_of(opened(b"/x"), boot=1_700_000_000_123_999)

    assert event["uid"] == "ae255a72-386d-4c13-a817-0000000000ab"
    assert event["time"] == "2023-11-14T22:13:21.123Z"
    assert "detached" not in event
    assert event_of(opened(b"/x"), OWNER._replace(detached=True))["detached"] is True


def test_command_of_the_guide() -> None:
    assert fields(command(b"curl\0https://wttr.in\0")) == {
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


def test_operations() -> None:
    names = (Operation.CONNECT, Operation.SEND, Operation.ACCEPT, Operation.LISTEN, Operation.SOCKET)
    for number, operation in enumerate(names):
        found = fields(connection("::1", "::1", operation=operation))
        assert (found["event"], found["operation"]) == ("session.network", number)


def test_outcome() -> None:
    found = fields(connection("::1", "::1", operation=Operation.OUTCOME, result=-111))

    assert (found["event"], found["code"], found["return_code"]) == ("session.outcome", "TP4907I", -111)
    assert "operation" not in found


@pytest.mark.parametrize("denied", [True, False])
def test_action(denied: bool) -> None:
    assert fields(connection("::1", "::1", denied=denied))["action"] == denied


@pytest.mark.parametrize(("family", "protocol"), [(17, "packet"), (40, "vsock"), (44, "xdp"), (2, "icmp")])
def test_socket_without_an_address(family: int, protocol: str) -> None:
    found = fields(
        header(RecordKind.NETWORK) + abi.ENDPOINTS.pack(Operation.SOCKET, family, 1, 0, 0, 1, b"", b"")
    )

    version, address = (4, "0.0.0.0") if family == 2 else (0, "")
    assert (found["version"], found["dst_addr"], found["src_addr"]) == (version, address, address)
    assert (found["protocol"], found["operation"], found["action"]) == (protocol, 4, 1)


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
        (b"", "without a header"),
        (WHOLE[: abi.HEADER.size - 1], "without a header"),
        (WHOLE[: abi.HEADER.size + 4], "torn command"),
        (WHOLE[:-1], "beyond its end"),
        (opened(b"/etc")[:-1], "beyond its end"),
        (opened(b"")[:-1], "torn opened file"),
        (connection("::1", "::1")[:-1], "torn connection"),
        (connection("::1", "::1", operation=0), "unknown operation"),
        (connection("::1", "::1", operation=9), "unknown operation"),
        (header(RecordKind.NETWORK) + abi.ENDPOINTS.pack(1, 7, 6, 1, 1, 0, b"", b""), "unknown family"),
        (header(RecordKind.PROCESS), "unknown kind"),
        (tampering(Technique.NONE), "unknown technique"),
        (tampering(999), "unknown technique"),
        (tampering(Technique.BPF, text=b"x")[:-1], "beyond its end"),
        (header(RecordKind.TAMPER), "torn record of tampering"),
    ],
)
def test_what_is_no_record(record: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        event_of(record)


def test_session_of_which_nothing_decodes_has_no_lines() -> None:
    (batch,) = formatted(block_of(connection("::1", "::1")[:-1])).batches
    assert (batch.lines, batch.kinds.total(), batch.undecodable.total()) == (b"", 0, 1)


def test_every_technique_has_a_name() -> None:
    named = set(Technique) - {Technique.NONE, Technique.ESCAPE}
    assert {fields(tampering(each))["technique"] for each in named} == {each.name.lower() for each in named}


@pytest.mark.parametrize("torn", [b"\x01", abi.LENGTH.pack(4) + b"abc"])
def test_torn_block(torn: bytes) -> None:
    with pytest.raises(ValueError, match="torn"):
        formatted(torn)


def test_keys_are_in_order_and_slots_between_them() -> None:
    records = [
        command(b"a\0b\0", tty=b"pts3", env=b"LD_X=1\0", interpreter=b"/bin/sh", flags=Flag.CUT_ARGS),
        opened(b"/x", flags=Flag.CUT_PATH | Flag.VIA_IO_URING),
        connection("::1", "::2"),
        tampering(Technique.SIGNAL, argument=9, target=1, text=b"init"),
        tampering(Technique.ESCAPE, target=7, text=b"/elsewhere"),
    ]
    (batch,) = formatted(block_of(*records), OWNER._replace(detached=True)).batches
    who = {"cluster_name": "c", "login": "l", "server_id": "i", "sid": "s", "user": "u"}
    filled = event_lines.fill(batch.lines, event_lines.slots(who), 41)

    events = [from_line(line) for line in filled.lines.splitlines()]
    assert [event["ei"] for event in events] == [41, 42, 43, 44, 45]
    assert all(event | who == event for event in events)
    assert {name: count for name, (_, count) in filled.parts.items()} == {
        "session.command": 1,
        "session.disk": 1,
        "session.network": 1,
        "": 2,
    }
    assert b"".join(part for part, _ in filled.parts.values()) == filled.lines
    assert filled.longest == max(map(len, filled.lines.splitlines(keepends=True)))


def from_line(line: bytes) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(line)
    assert line == to_json(dict(sorted(event.items())))
    return event


def test_own_event_has_the_same_slots() -> None:
    line = event_lines.from_fields({"backlog": 1, "code": "X", "event": "e", "uid": "u"})

    assert from_line(event_lines.fill(line, event_lines.slots({"user": "u", "sid": "s"}), 3).lines[:-1]) == {
        "backlog": 1, "code": "X", "ei": 3, "event": "e", "sid": "s", "uid": "u", "user": "u",
    }  # fmt: skip
    with pytest.raises(ValueError, match="first slot"):
        event_lines.from_fields({"event": "e"})


@pytest.mark.parametrize(
    "lines_", [b"{}", b"{}\n", b"\x1f" * 6 + b"\n", b'{"a":1\x1f,"code":"x"' + b"\x1f" * 6 + b"}\n"]
)
def test_what_are_no_lines(lines_: bytes) -> None:
    with pytest.raises(Corrupted):
        event_lines.fill(lines_, (b"",) * 6, 0)


def test_sessions_are_kept_apart() -> None:
    known = {1: OWNER, 3: LineOwner(b"00000000-0000-4000-8000-", 7, True)}
    block = block_of(*(command(b"x\0", session=number) for number in (1, 2, 3, 1, 3, 3)), b"junk")
    part = formatter.from_records(
        block, 0, records=99, size=1 << 20, boot=0, find=lambda number, _: known.get(number)
    )

    assert [(batch.session, batch.kinds.total()) for batch in part.batches] == [(1, 2), (3, 3)]
    assert [event["uid"][-2:] for event in event_lines.events_in(part.batches[1].lines)] == ["07", "08", "09"]
    assert (part.end, part.undecoded, part.complaint) == (len(block), 1, "record without a header")


def test_actions_of_daemons_name_their_evidence() -> None:
    def find(session: int, delegation: int) -> LineOwner:
        key = formatter.delegated_key("cron", f"wrote {delegation}") if delegation else b""
        return OWNER._replace(delegated=key, detached=delegation == 7)

    block = block_of(*(opened(b"/x", delegation=number) for number in (0, 255, 7, 255)))
    part = formatter.from_records(block, 0, records=99, size=1 << 20, boot=0, find=find)

    found = {
        (batch.session, batch.delegation): [
            (event.get("delegated"), event.get("detached")) for event in event_lines.events_in(batch.lines)
        ]
        for batch in part.batches
    }
    assert found == {
        (1, 0): [(None, None)],
        (1, 255): [({"daemon": "cron", "evidence": "wrote 255"}, None)] * 2,
        (1, 7): [({"daemon": "cron", "evidence": "wrote 7"}, True)],
    }
    assert all(
        list(event) == sorted(event) for batch in part.batches for event in event_lines.events_in(batch.lines)
    )


def test_many_sessions() -> None:
    records = [command(b"%d\0" % number, session=number) for number in range(5000)]
    part = formatter.from_records(
        block_of(*records), 0, records=9999, size=1 << 30, boot=0, find=lambda *_: OWNER
    )

    found = {batch.session: event_lines.events_in(batch.lines)[0]["args"] for batch in part.batches}
    assert found == {number: [str(number)] for number in range(5000)}


def test_digests() -> None:
    files = [bytes([number]) * abi.IDENTITY.size for number in range(1, 5)]
    table = formatter.digest_table({files[2]: "gone", files[0]: "ab" * 32, files[1]: "cd" * 32})
    block = block_of(*(command(b"x\0", identity=file) for file in files), command(b"x\0"))

    part = formatter.from_records(
        block, 0, records=99, size=1 << 20, boot=0, find=lambda *_: OWNER, digests=table
    )

    found = [
        (event.get("sha256"), event.get("sha256_missing"))
        for event in event_lines.events_in(part.batches[0].lines)
    ]
    assert found == [("ab" * 32, None), ("cd" * 32, None), (None, "gone"), (None, None), (None, None)]


def test_executables() -> None:
    identity = bytes(range(abi.IDENTITY.size))
    block = block_of(
        opened(b"/x"),
        command(b"x\0", identity=identity, exe=b"/bin/x"),
        command(b"x\0", identity=identity, result=-2),
        command(b"x\0"),
        b"torn",
    )

    assert formatter.executables(block) == [(identity, 5007, b"/bin/x", 10**9)]


def test_a_block_in_parts() -> None:
    block, end, total = block_of(*[opened(b"/x")] * 10), 0, []
    while end < len(block):
        part = formatter.from_records(block, end, records=4, size=1 << 20, boot=0, find=lambda *_: OWNER)
        end = part.end
        total.append(part.batches[0].kinds)
    assert total == [{RecordKind.DISK: 4}, {RecordKind.DISK: 4}, {RecordKind.DISK: 2}]


def test_what_does_not_decode_is_the_loss_of_its_session() -> None:
    part = formatted(block_of(WHOLE[:-1], WHOLE))

    assert part.batches[0].kinds == part.batches[0].undecodable == {RecordKind.COMMAND: 1}
    assert part.undecoded == 1
