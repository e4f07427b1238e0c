# SPDX-License-Identifier: Apache-2.0
"""Events that each action must leave behind, and the program that captures it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

Event = Mapping[str, Any]


class Probe(NamedTuple):
    """A action of ``actions.ACTIONS``: is one of the session's events what it is to leave behind?

    ``program``: the one in the kernel that sees it. ``promised``: enhanced recording promises to see it.
    """

    action: str
    title: str
    program: str
    matches: Callable[[Event], bool]
    promised: bool = True


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a probe. ``impossible``: why the action itself could not be done here."""

    action: str
    title: str
    program: str
    seen: bool
    promised: bool
    impossible: str = ""

    @property
    def ok(self) -> bool:
        """Was it seen, or is there nothing that had to be?"""
        return self.seen or bool(self.impossible) or not self.promised


def _command(argument: str) -> Callable[[Event], bool]:
    return lambda event: event["event"] == "session.command" and argument in event.get("args", ())


def _failed_command(event: Event) -> bool:
    return (
        event["event"] == "session.command"
        and event["return_code"] == -errno.ENOENT
        and str(event["path"]).endswith("/absent-program")
    )


def _file(name: str, *, via: str = "", failed: bool = False) -> Callable[[Event], bool]:
    def matches(event: Event) -> bool:
        return (
            event["event"] == "session.disk"
            and str(event["path"]).endswith(f"/{name}")
            and event.get("via", "") == via
            and (event["return_code"] < 0) is failed
        )

    return matches


def _network(operation: int, version: int, protocol: str, code: int = 0) -> Callable[[Event], bool]:
    expected = {"operation": operation, "version": version, "protocol": protocol, "return_code": code}

    def matches(event: Event) -> bool:
        return event["event"] == "session.network" and all(
            event.get(name) == value for name, value in expected.items()
        )

    return matches


def _tamper(event: Event) -> bool:
    return bool(event["event"] == "session.tamper" and event["technique"] == "bpf")


def _escape(event: Event) -> bool:
    return bool(event["event"] == "session.escape")


_EXIT, _RING = "proctor_sysexit", "proctor_iodone"
PROBES = (
    Probe("command", "executed program", "proctor_exec", _command(": executed")),
    Probe("failed_command", "program that could not be executed", _EXIT, _failed_command),
    Probe("daemon", "process that left its parents", "proctor_fork", _command(": daemon")),
    Probe("open", "opened file", _EXIT, _file("opened")),
    Probe("failed_open", "file that could not be opened", _EXIT, _file("absent-file", failed=True)),
    Probe("openat2", "file opened by openat2", _EXIT, _file("opened-2")),
    Probe("io_uring_open", "file opened by io_uring", _RING, _file("opened-uring", via="io_uring"), False),
    Probe("connect_v4", "connection, IPv4", _EXIT, _network(0, 4, "tcp")),
    Probe("connect_v6", "connection, IPv6", _EXIT, _network(0, 6, "tcp")),
    Probe("refused", "connection that was refused", _EXIT, _network(0, 4, "tcp", -errno.ECONNREFUSED)),
    Probe("connect_v4", "accepted connection", _EXIT, _network(2, 4, "tcp")),
    Probe("send_v4", "datagram, IPv4", "proctor_send4", _network(1, 4, "udp")),
    Probe("send_v6", "datagram, IPv6", "proctor_send6", _network(1, 6, "udp")),
    Probe("tamper", "attempt to load a kernel program", _EXIT, _tamper, False),
    Probe("escape", "process that left its cgroup", "proctor_cgroup", _escape, False),
)


def judge(events: Sequence[Event], failures: Mapping[str, str]) -> list[Outcome]:
    """Evaluate each probe; ``failures``: why an action could not be done."""
    return [
        Outcome(
            action=probe.action,
            title=probe.title,
            program=probe.program,
            seen=any(probe.matches(event) for event in events),
            promised=probe.promised,
            impossible=failures.get(probe.action, ""),
        )
        for probe in PROBES
    ]
