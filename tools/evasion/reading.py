# SPDX-License-Identifier: Apache-2.0
"""What a tool's output says: executed arguments, opened paths, ports and system calls, as text like ours.

Each reader is generous: what can be found in the output counts, however it is written there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from proctor.captureproto.byte_text import to_text
from testing.evasion.catalogue import WORD
from testing.evasion.ground import TechniqueSandbox
from testing.evasion.verdict import tells

_STRACE_EXEC = re.compile(r'execve(?:at)?\((?:[^"]*, )?"[^"]*", \[(?P<args>.*?)\](?:, |\)|$)')
_STRACE_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_STRACE_OPEN = re.compile(r"(?:open\w*|creat)(?:\(| resumed).* = \d+<(?P<path>.*?)(?:\(deleted\))?>$")
_STRACE_PORT = re.compile(r"(?:connect|send\w+)\(.*?sin6?_port=htons\((?P<port>\d+)\)")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-f]{2})|(.))")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_AUDIT_FIELD = re.compile(r'\b(?P<name>\w+)=(?P<value>"[^"]*"|\S+)')


@dataclass
class Reading:
    """What was found."""

    commands: list[list[str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def shows(self, ground: TechniqueSandbox) -> bool:
        """Whether what the technique of ``ground`` was to hide is among it."""
        technique = ground.technique
        match technique.seen:
            case "command":
                return any(tells(args, technique.trace) for args in self.commands)
            case "open":
                hidden = ground.hidden
                return any(path in (hidden, PurePath(hidden).name) for path in self.paths)
            case "connection":
                return ground.port in self.ports
            case _:
                wanted = re.compile(rf"(?<![\w./-]){re.escape(technique.call)}(?!\w)")
                if technique.call.startswith("/"):
                    wanted = re.compile(rf"{re.escape(technique.call)}(?!\w)")
                return any(wanted.search(call) for call in self.calls)


def strace(text: str) -> Reading:
    """Output of ``strace -f -v -yy``."""
    reading = Reading(calls=text.splitlines())
    for line in reading.calls:
        if found := _STRACE_EXEC.search(line):
            reading.commands.append([_unescape(one) for one in _STRACE_STRING.findall(found["args"])])
        if found := _STRACE_OPEN.search(line):
            reading.paths.append(_unescape(found["path"]))
        reading.ports += [int(found["port"]) for found in _STRACE_PORT.finditer(line)]
    return reading


def bpftrace(text: str) -> Reading:
    """Output of ``SNOOP`` in ``observers``: ``exec ARGS``, ``open RESULT PATH``, ``connect PORT``."""
    reading = Reading(calls=text.splitlines())
    for line in reading.calls:
        match line.split(" ", 2):
            case ["exec", *rest]:
                reading.commands.append(" ".join(rest).split(" "))
            case ["open", result, path] if not result.startswith("-"):
                reading.paths.append(path if path.startswith("/") else PurePath(path).name)
            case ["connect", port]:
                reading.ports.append(int(port))
    return reading


def typescript(text: str, ground: TechniqueSandbox) -> Reading:
    """What script(1) has written: a command counts when it stands there in plain words."""
    words = ground.technique.trace or f"mark {WORD}"
    path = ground.hidden if PurePath(ground.hidden).name in text else ""
    return Reading(
        commands=[["mark", words] if ground.technique.trace else ["mark", WORD]] if words in text else [],
        paths=[path],
        ports=[ground.port] if str(ground.port) in text else [],
    )


def audit(records: list[str], number_of: dict[str, str]) -> Reading:
    """Records of the kernel's audit; ``number_of`` names the system calls that are asked for."""
    reading = Reading()
    directory = ""
    for record in records:
        fields = {found["name"]: found["value"] for found in _AUDIT_FIELD.finditer(record)}
        match fields.get("type"):
            case "SYSCALL":
                number = f"{fields.get('arch')}:{fields.get('syscall')}"
                reading.calls.append(f"{number_of.get(number, number)} {fields.get('success')}")
            case "EXECVE":
                reading.commands.append(list(_audit_arguments(fields)))
            case "CWD":
                directory = _audit_text(fields["cwd"])
            case "PATH" if "name" in fields:
                name = _audit_text(fields["name"])
                reading.calls.append(name)
                reading.paths.append(str(PurePath(directory, name)))
            case "SOCKADDR" if fields["saddr"][:2] in ("02", "0A"):
                reading.ports.append(int(fields["saddr"][4:8], 16))
    return reading


def _audit_arguments(fields: dict[str, str]) -> Iterator[str]:
    for number in range(int(fields.get("argc", "0"))):
        yield _audit_text(fields.get(f"a{number}", ""))


def _audit_text(value: str) -> str:
    if value.startswith('"'):
        return value[1:-1]
    try:
        return to_text(bytes.fromhex(value))
    except ValueError:
        return value


def _unescape(text: str) -> str:
    def byte(found: re.Match[bytes]) -> bytes:
        octal, hexadecimal, letter = found.groups()
        if letter:
            return _LETTERS.get(letter, letter)
        return bytes([int(octal, 8) if octal else int(hexadecimal, 16)])

    return to_text(_ESCAPE.sub(byte, text.encode()))
