# SPDX-License-Identifier: Apache-2.0
"""``tctl lock``: a lock from the flags of the command line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from typer import Option

from proctor.cli.output import short_time, table
from proctor.core.clock import SYSTEM, format_time, parse_time
from proctor.core.errors import BadRequest, NotFound
from proctor.core.text import is_printable

if TYPE_CHECKING:
    from proctor.model.resources import Lock, Resource
    from proctor.rpc.auth_client import Client

_TARGETS = ("user", "role", "login", "node", "server_id", "mfa_device", "access_request")


@dataclass(frozen=True)
class LockFlags:
    """Target and duration of a lock; several flags must all match."""

    user: Annotated[str, Option(help="Name of a user.")] = ""
    role: Annotated[str, Option(help="Name of a role.")] = ""
    login: Annotated[str, Option(help="Login on nodes.")] = ""
    node: Annotated[str, Option(help="Name or UUID of a node.")] = ""
    server_id: Annotated[str, Option(help="UUID of a host.")] = ""
    mfa_device: Annotated[str, Option(help="UUID of a second factor.")] = ""
    access_request: Annotated[str, Option(help="UUID of an access request.")] = ""
    device: Annotated[str, Option(help="Not offered.", hidden=True)] = ""
    windows_desktop: Annotated[str, Option(help="Not offered.", hidden=True)] = ""
    message: Annotated[str, Option(help="Message for users whom the lock refuses.")] = ""
    ttl: Annotated[str, Option(help="How long it is in force: 8h [until it is removed].")] = ""
    expires: Annotated[str, Option(help="When it ends: 2030-01-01T00:00:00Z.")] = ""


def make_lock(flags: LockFlags) -> Lock:
    """The lock that ``flags`` describe, with a name of its own. Raises BadRequest: all problems at once."""
    from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata

    if problems := list(_problems(flags)):
        raise BadRequest("\n".join(problems), hint="See: tctl lock --help")
    target = LockTarget(**{key: getattr(flags, key) for key in _TARGETS})
    spec = LockSpec(target=target, message=flags.message, expires=_ends(flags))
    return Lock(metadata=Metadata(name=str(uuid.uuid4())), spec=spec)


def _problems(flags: LockFlags) -> Iterator[str]:
    if not any(getattr(flags, key) for key in _TARGETS):
        names = ", ".join(f"--{key.replace('_', '-')}" for key in _TARGETS)
        yield f"nothing to lock; give one or more of {names}"
    for key in ("device", "windows_desktop"):
        if getattr(flags, key):
            yield f"--{key.replace('_', '-')}: not offered"
    if not is_printable(flags.message):
        yield "--message: not printable"
    if flags.ttl and flags.expires:
        yield "--ttl and --expires: give one of them"
        return
    try:
        if (ends := _ends(flags)) and parse_time(ends) <= SYSTEM.now():
            yield f"--expires: {flags.expires} is in the past"
    except BadRequest as error:
        yield error.message


def _ends(flags: LockFlags) -> str:
    """RFC 3339; empty: never."""
    from proctor.model.resources import parse_duration

    try:
        if flags.expires:
            return format_time(parse_time(flags.expires))
    except (ValueError, OverflowError):
        raise BadRequest(
            f"--expires: {flags.expires!r} is not a time; expected RFC 3339, like 2030-01-01T00:00:00Z"
        ) from None
    try:
        seconds = parse_duration(flags.ttl) if flags.ttl else 0
    except ValueError as error:
        raise BadRequest(f"--ttl: {error}") from None
    if flags.ttl and not seconds:
        raise BadRequest(f"--ttl: {flags.ttl!r} is no time at all; leave --ttl out for a lock without an end")
    return format_time(SYSTEM.now() + timedelta(seconds=seconds)) if seconds else ""


async def unknown_targets(client: Client, lock: Lock) -> list[str]:
    """A sentence about each target that does not exist: a lock may be made in advance, or mistyped."""
    from proctor.cli.tctl.verbs import documents

    found = []
    for kind in ("user", "role"):
        name = getattr(lock.spec.target, kind)
        try:
            if name:
                await documents(client, kind, name)
        except NotFound:
            found.append(f"there is no {kind} {name} now; the lock is in force all the same")
    return found


def locks_table(locks: Sequence[Lock]) -> str:
    """Name, target, message and end of each lock."""
    rows = [[each.metadata.name, _target(each), each.spec.message, _end(each)] for each in locks]
    return table(["ID", "Target", "Message", "Expires"], rows)


def _target(lock: Lock) -> str:
    target = lock.spec.target
    named = {key: getattr(target, key) for key in target.__struct_fields__}
    return " ".join(f"{key}={value}" for key, value in named.items() if value)


def _end(lock: Lock) -> str:
    ends = lock.spec.expires or lock.metadata.expires
    return short_time(parse_time(ends)) if ends else "never"


def node_id(nodes: Sequence[Resource], wanted: str) -> str:
    """The UUID of the node that ``wanted`` names, else ``wanted``. BadRequest when it names several."""
    from proctor.model.resources import Node

    found = [
        node.metadata.name
        for node in nodes
        if isinstance(node, Node) and wanted.lower() in {node.metadata.name, node.spec.hostname.lower()}
    ]
    if len(found) > 1:
        raise BadRequest(f"several nodes are named {wanted}", hint=f"Give a UUID: {', '.join(found)}")
    return found[0] if found else wanted
