# SPDX-License-Identifier: Apache-2.0
"""Checks before anything starts: all problems of a plan on this host. Changes nothing."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from proctor.config import secret_values
from proctor.config.schema import Config
from proctor.config.semantics import problems as rule_problems
from proctor.core.errors import ConfigError
from proctor.core.net import Address, is_wildcard

if TYPE_CHECKING:
    from proctor.runtime.plan import Plan

_JOINING = ("node", "proxy")


class PreflightProblem(NamedTuple):
    """A problem and its remedy."""

    message: str
    hint: str = ""


def refuse(problems: list[PreflightProblem]) -> None:
    """Raises ConfigError that names all of ``problems``."""
    if problems:
        hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
        raise ConfigError("\n".join(problem.message for problem in problems), hint="\n".join(hints))


def problems(plan: Plan) -> Iterator[PreflightProblem]:
    """Everything that the settings of ``plan``, or files that they name, lack."""
    for path, message in rule_problems(plan.config):  # flags may have switched services on
        yield PreflightProblem(f"{'.'.join(path)}: {message}")
    if not plan.services:
        yield PreflightProblem("no service is enabled", "Enable one in the file, or name it with --roles.")
    if not plan.auth_candidates:
        yield PreflightProblem(
            "neither auth_server nor proxy_server is set, and the auth service does not run here",
            "Set teleport.proxy_server in the file, or give --auth-server.",
        )
    elif plan.services:
        yield from _joining(plan)
    yield from _collisions(plan)
    if "proxy" in plan.services:
        yield from _key_pairs(plan.config)
    yield from _directories(plan.config)


def of_this_host(plan: Plan) -> Iterator[PreflightProblem]:
    """Return problems of the machine and the caller, rather than of the file."""
    yield from _unresolved(plan)
    if "node" in plan.services and os.geteuid() != 0:
        yield PreflightProblem(
            "the SSH service needs root: it opens sessions as other users and records them in the kernel",
            "Start as root, or turn it off (ssh_service.enabled: no, or --roles=auth,proxy).",
        )


def _joining(plan: Plan) -> Iterator[PreflightProblem]:
    config = plan.config
    readers = (
        [secret_values.static_tokens]
        if "auth" in plan.services
        else [secret_values.join_token, secret_values.ca_pins]
    )
    for read in readers:
        try:
            found = read(config)
        except ConfigError as error:
            yield PreflightProblem(error.message, error.hint)
            continue
        if read is secret_values.join_token and not found:
            yield from _without_token(plan)


def _without_token(plan: Plan) -> Iterator[PreflightProblem]:
    for service in _JOINING:
        if service in plan.services and not _joined(Path(plan.config.teleport.data_dir), service):
            yield PreflightProblem(
                f"the {service} service has not joined a cluster yet and has no token",
                "Make one with 'tctl nodes add' and set teleport.auth_token, or give --token.",
            )


def _joined(data_dir: Path, service: str) -> bool:
    try:
        return (data_dir / "proc" / service / "authorities.json").exists()
    except PermissionError:
        return True  # others cannot look into it, and there is something to look into


def _collisions(plan: Plan) -> Iterator[PreflightProblem]:
    listeners = [(key, address) for key, address in _listeners(plan) if address.port]
    for (first, one), (second, other) in itertools.combinations(listeners, 2):
        if one.port == other.port and (
            one.host == other.host or is_wildcard(one.host) or is_wildcard(other.host)
        ):
            yield PreflightProblem(f"{second}: {other} is the address of {first} as well")


def _unresolved(plan: Plan) -> Iterator[PreflightProblem]:
    """Listeners on names that mean nothing here, which would only show after the host has joined."""
    for key, address in _listeners(plan):
        try:
            socket.getaddrinfo(address.host or None, address.port, flags=socket.AI_PASSIVE)
        except OSError as error:
            yield PreflightProblem(
                f"{key}: {address.host}: {error.strerror}", "Give an IP address of this host."
            )


def _listeners(plan: Plan) -> Iterator[tuple[str, Address]]:
    config = plan.config
    if "auth" in plan.services:
        yield "auth_service.listen_addr", config.auth_service.listen_addr
    if "proxy" in plan.services:
        yield "proxy_service.web_listen_addr", config.proxy_service.web_listen_addr
        yield "proxy_service.listen_addr", config.proxy_service.listen_addr
    if "node" in plan.services:
        yield "ssh_service.listen_addr", config.ssh_service.listen_addr
    if config.teleport.diag_addr:
        yield "teleport.diag_addr", config.teleport.diag_addr


def _key_pairs(config: Config) -> Iterator[PreflightProblem]:
    if not config.proxy_service.https_keypairs:
        return
    from proctor.proxy.certificate import Pair  # noqa: PLC0415 - the supervisor does without its libraries else

    for pair in config.proxy_service.https_keypairs:
        try:
            Pair.read(Path(pair.key_file), Path(pair.cert_file))
        except ConfigError as error:
            yield PreflightProblem(f"proxy_service.{error.message}")


def _directories(config: Config) -> Iterator[PreflightProblem]:
    output = config.teleport.log.output
    for key, text in (
        ("teleport.pid_file", config.teleport.pid_file),
        ("teleport.log.output", output if output.startswith("/") else ""),
    ):
        if text and not Path(text).parent.is_dir():
            yield PreflightProblem(f"{key}: {text}: the directory does not exist")
