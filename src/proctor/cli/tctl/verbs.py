# SPDX-License-Identifier: Apache-2.0
"""Requests of ``tctl`` to the auth service, and the text of their results."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proctor.cli.output import fields, labels_text, short_time, table
from proctor.cli.tctl.lock_command import locks_table
from proctor.core.clock import SYSTEM, parse_time
from proctor.core.errors import BadRequest
from proctor.model.resources import KINDS, Node, Resource, Role, Token, User, parse_duration
from proctor.model.serde import from_json, to_json
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client
from proctor.rpc.identity_files import Authorities, Credentials
from proctor.sshkit import keys


async def status(client: Client) -> dict[str, Any]:
    """Cluster, version, CAs and pins."""
    answer = await client.call(client.auth.Ping, pb.PingRequest())
    return {
        "cluster": answer.cluster_name,
        "version": answer.server_version,
        "host_ca": "never rotated",
        "user_ca": "never rotated",
        "ca_pins": list(answer.ca_pins),
    }


def status_text(found: Mapping[str, Any]) -> str:
    """Return the output of ``tctl status``."""
    pairs = [
        ("Cluster", found["cluster"]),
        ("Version", found["version"]),
        ("host CA", found["host_ca"]),
        ("user CA", found["user_ca"]),
        *(("CA pin", pin) for pin in found["ca_pins"]),
    ]
    return fields(pairs)


def seconds(text: str, flag: str = "--ttl") -> int:
    """A duration given on the command line. Raises BadRequest."""
    try:
        return parse_duration(text) if text else 0
    except ValueError as error:
        raise BadRequest(f"{flag}: {error}") from None


def names(text: str) -> list[str]:
    """``a,b`` as a list."""
    return [name.strip() for name in text.split(",") if name.strip()]


async def add_user(client: Client, name: str, roles: str, logins: str, ttl: str) -> dict[str, str]:
    """Create somebody; the link that completes it."""
    request = pb.CreateUserRequest(
        name=name, roles=names(roles), logins=names(logins), ttl_seconds=seconds(ttl)
    )
    link = await client.call(client.auth.CreateUser, request)
    return {"user": name, "url": link.url, "expires": link.expires}


async def reset_user(client: Client, name: str, ttl: str) -> dict[str, str]:
    """Take away password and second factor; the link that sets new ones."""
    request = pb.ResetUserRequest(name=name, ttl_seconds=seconds(ttl))
    link = await client.call(client.auth.ResetUser, request)
    return {"user": name, "url": link.url, "expires": link.expires}


def link_text(link: Mapping[str, str]) -> str:
    """Return the text of ``tctl users add`` about the link."""
    until = short_time(parse_time(link["expires"]))
    return (
        f"Share this URL with the user; it is good for one time, until {until}:\n{link['url']}\n\n"
        "NOTE: the address must be one at which the user reaches the proxy."
    )


async def update_user(client: Client, name: str, roles: str | None, logins: str | None) -> None:
    """Replace roles or logins, or both; None leaves them."""
    if roles is None and logins is None:
        raise BadRequest("nothing to update", hint="Give --set-roles or --set-logins.")
    request = pb.UpdateUserRequest(
        name=name,
        set_roles=names(roles or ""),
        set_logins=names(logins or ""),
        change_roles=roles is not None,
        change_logins=logins is not None,
    )
    await client.call(client.auth.UpdateUser, request)


async def add_token(client: Client, roles: str, ttl: str, value: str = "") -> Token:
    """Make a join token."""
    request = pb.CreateTokenRequest(roles=names(roles), ttl_seconds=seconds(ttl), value=value)
    answer = await client.call(client.auth.CreateToken, request)
    return from_json(answer.json, Token)


async def invitation(client: Client, roles: str, ttl: str, value: str) -> dict[str, Any]:
    """A token for a host, with everything that its ``teleport start`` needs."""
    token = await add_token(client, roles, ttl, value)
    answer = await client.call(client.auth.Ping, pb.PingRequest())
    return {
        "token": token.metadata.name,
        "roles": token.spec.roles,
        "expires": token.metadata.expires,
        "ca_pins": list(answer.ca_pins),
        "auth_server": next(iter(answer.proxy_addresses), client.address),
    }


def invitation_text(made: dict[str, Any]) -> str:
    """Return the output of ``tctl nodes add``."""
    left = _remaining(made["expires"])
    flags = [
        f"--roles={','.join(made['roles'])}",
        f"--token={shlex.quote(made['token'])}",
        *(f"--ca-pin={pin}" for pin in made["ca_pins"]),
        f"--auth-server={made['auth_server']}",
        *(["--enhanced-recording"] if "node" in made["roles"] else []),
    ]
    command = " \\\n   ".join(["> teleport start", *flags])
    return (
        f"The invite token: {made['token']}\n"
        f"This token will expire in {left}.\n\n"
        f"Run this on the new host to join the cluster:\n\n{command}\n\n"
        "Please note:\n\n"
        f"  - The token works for any number of hosts until it expires in {left}.\n"
        f"  - {made['auth_server']} must be reachable from the new host.\n"
    )


def _remaining(expires: str) -> str:
    left = max(0, round((parse_time(expires) - SYSTEM.now()).total_seconds()))
    number, unit = (round(left / 60), "minute") if left >= 60 else (left, "second")
    return f"{number} {unit}{'' if number == 1 else 's'}"


async def documents(client: Client, kind: str, name: str = "") -> list[Resource]:
    """One document, or all of a kind."""
    if name:
        answer = await client.call(client.auth.GetDocument, pb.DocumentRequest(kind=kind, name=name))
        return [from_json(answer.json, KINDS[kind])]
    answer = await client.call(client.auth.ListDocuments, pb.ListDocumentsRequest(kind=kind))
    return [from_json(raw, KINDS[kind]) for raw in answer.json]


async def put(client: Client, resources: Sequence[Resource], *, overwrite: bool) -> list[str]:
    """Store documents one after the other; a sentence about each."""
    messages = []
    for resource in resources:
        await client.call(
            client.auth.PutDocument, pb.PutDocumentRequest(json=to_json(resource), overwrite=overwrite)
        )
        messages.append(f'{resource.kind} "{resource.metadata.name}" has been stored')
    return messages


async def delete(client: Client, kind: str, name: str) -> None:
    """Remove a document."""
    await client.call(client.auth.DeleteDocument, pb.DocumentRequest(kind=kind, name=name))


async def sign(client: Client, user: str, ttl: str) -> Credentials:
    """An identity of ``user``."""
    tls_key, (ssh_key, ssh_public_key) = tls.generate_key(), keys.generate()
    request = pb.SignIdentityRequest(
        username=user,
        ttl_seconds=seconds(ttl),
        tls_public_key=tls.public_key(tls_key),
        ssh_public_key=ssh_public_key.encode(),
    )
    answer = await client.call(client.auth.SignIdentity, request)
    return Credentials.from_certificates(answer, tls_key=tls_key, ssh_key=ssh_key)


async def revocation_list(client: Client) -> bytes:
    """Revoked certificates, as OpenSSH reads them."""
    answer = await client.call(client.auth.GetRevocationList, pb.GetRevocationListRequest())
    return bytes(answer.krl)


EXPORTS = ("user", "host", "tls-user", "tls-host")


async def export(client: Client, kind: str) -> str:
    """Public keys of a CA: for authorized_keys, for known_hosts, or as X.509."""
    if kind not in EXPORTS:
        raise BadRequest(f"--type: {kind!r} is none of {', '.join(EXPORTS)}, krl")
    message = await client.call(client.auth.GetAuthorities, pb.GetAuthoritiesRequest())
    if kind.startswith("tls-"):
        pem = message.host_tls_ca if kind == "tls-host" else message.user_tls_ca
        return str(pem.decode().rstrip())
    authorities = Authorities.from_message(message)
    return "\n".join(authorities.user_ca_lines() if kind == "user" else authorities.host_ca_lines())


def resources_table(kind: str, resources: Sequence[Any]) -> str:
    """The text form of a list of one kind."""
    return _TABLES[kind](resources)


def tokens_table(tokens: Sequence[Token]) -> str:
    """Token, Type, Expiry Time, as in the guide."""
    rows = [
        [token.metadata.name, ",".join(map(_display, token.spec.roles)), _expiry(token)] for token in tokens
    ]
    return table(["Token", "Type", "Expiry Time"], rows)


def _display(role: str) -> str:
    return role.capitalize()


def _expiry(token: Token) -> str:
    return short_time(parse_time(token.metadata.expires)) if token.metadata.expires else "never"


def _users_table(users: Sequence[User]) -> str:
    rows = [
        [
            user.metadata.name,
            ",".join(user.spec.roles),
            ",".join(user.spec.traits.get("logins", [])),
        ]
        for user in users
    ]
    return table(["User", "Roles", "Logins"], rows)


def _roles_table(roles: Sequence[Role]) -> str:
    rows = [
        [
            role.metadata.name,
            ",".join(role.spec.allow.logins),
            ",".join(f"{key}={value}" for key, value in role.spec.allow.node_labels.items()),
        ]
        for role in roles
    ]
    return table(["Role", "Allowed to login as", "Node Labels"], rows)


def _nodes_table(nodes: Sequence[Node]) -> str:
    rows = [
        [
            node.spec.hostname,
            node.metadata.name,
            node.spec.addr,
            labels_text(node.spec.labels),
            node.spec.server_version,
            "yes" if node.spec.enhanced_recording else "no",
        ]
        for node in nodes
    ]
    return table(["Host", "UUID", "Address", "Labels", "Version", "Enhanced Recording"], rows)


_TABLES: dict[str, Callable[[Sequence[Any]], str]] = {
    "token": tokens_table,
    "user": _users_table,
    "role": _roles_table,
    "node": _nodes_table,
    "lock": locks_table,
}
