# SPDX-License-Identifier: Apache-2.0
"""Records as the kernel writes them."""

from __future__ import annotations

import ipaddress
from typing import Any

from proctor.capture.kernel import abi, formatter
from proctor.capture.kernel.abi import Flag, Operation, RecordKind
from proctor.capture.kernel.formatter import LineOwner, Part
from proctor.captureproto import event_lines

NO_FLAGS = Flag(0)


def header(
    kind: RecordKind,
    *,
    session: int = 1,
    delegation: int = 0,
    flags: Flag = NO_FLAGS,
    result: int = 0,
    program: bytes = b"curl",
) -> bytes:
    """The common part."""
    return abi.HEADER.pack(
        1_000_000_000,
        2360,
        session,
        kind,
        delegation,
        flags,
        5007,
        4985,
        1000,
        0,
        0xFFFFFFFF,
        result,
        program,
    )


def command(
    args: bytes,
    *,
    path: bytes = b"/bin/curl",
    exe: bytes = b"/usr/bin/curl",
    cwd: bytes = b"/root",
    interpreter: bytes = b"",
    tty: bytes = b"",
    env: bytes = b"",
    session: int = 1,
    flags: Flag = NO_FLAGS,
    result: int = 0,
    identity: bytes = bytes(abi.IDENTITY.size),
    loader: bytes = b"",
    mount: int = 0,
) -> bytes:
    """An executed program, or with a ``result`` one that could not be."""
    texts = (path, exe if result == 0 else b"", cwd, interpreter, tty, env, loader)
    body = abi.COMMAND.pack(*map(len, texts), len(args), mount, len(args), identity)
    return (
        header(RecordKind.COMMAND, session=session, flags=flags, result=result)
        + body
        + b"".join(texts)
        + args
    )


def opened(
    path: bytes,
    *,
    open_flags: int = 0,
    result: int = 3,
    flags: Flag = NO_FLAGS,
    delegation: int = 0,
    identity: tuple[int, int, int] = (0, 0, 0),
) -> bytes:
    """An opened file; ``identity``: its inode, device and mount."""
    head = header(RecordKind.DISK, flags=flags, result=result, delegation=delegation)
    return head + abi.DISK.pack(open_flags, len(path), *identity) + path


def tampering(
    technique: int, *, argument: int = 0, target: int = 0, text: bytes = b"", result: int = 0
) -> bytes:
    """An attempt to blind or mislead the record."""
    body = abi.TAMPER.pack(argument, target, technique, len(text))
    return header(RecordKind.TAMPER, result=result) + body + text


def connection(
    source: str,
    destination: str,
    *,
    ports: tuple[int, int] = (40000, 443),
    operation: int = Operation.CONNECT,
    protocol: int = 6,
    result: int = 0,
    denied: bool = False,
) -> bytes:
    """A connection; the family is that of the destination."""
    near, far = (ipaddress.ip_address(text).packed for text in (source, destination))
    family = 2 if len(far) == 4 else 10
    ends = abi.ENDPOINTS.pack(operation, family, protocol, *ports, denied, near, far)
    return header(RecordKind.NETWORK, result=result) + ends


OWNER = LineOwner(prefix=b"ae255a72-386d-4c13-a817-", number=0xAB, detached=False)


def block_of(*records: bytes) -> bytes:
    """Records as the rings' reader hands them on."""
    return b"".join(abi.LENGTH.pack(len(record)) + record for record in records)


def formatted(block: bytes, owner: LineOwner = OWNER, *, boot: int = 0) -> Part:
    """What becomes of a whole block if all is of one session."""
    return formatter.from_records(block, 0, records=1 << 20, size=1 << 30, boot=boot, find=lambda *_: owner)


def event_of(record: bytes, owner: LineOwner = OWNER, *, boot: int = 0) -> dict[str, Any]:
    """The event that a record has become. Raises ValueError with the complaint when it is none."""
    part = formatted(block_of(record), owner, boot=boot)
    if part.undecoded:
        raise ValueError(part.complaint)
    (event,) = event_lines.events_in(part.batches[0].lines)
    return event
