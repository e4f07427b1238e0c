# SPDX-License-Identifier: Apache-2.0
"""Every RPC, called by everybody who should not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from proctor.auth.rpc_access import TABLE
from proctor.core.errors import AccessDenied, ProctorError, Unauthenticated
from proctor.rpc._pb import auth_pb2, record_pb2
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import translated
from proctor.rpc.identity_files import Credentials
from testing.auth import RunningAuth, running_auth

METHODS = [
    method
    for module in (auth_pb2, record_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
EXPECTED = {
    "anonymous": {"RegisterHost", "Ping"},
    "node": {
        "Ping", "GetAuthorities", "Heartbeat", "GetAccessBundle", "WatchAccessBundle", "GetRevocationList",
        "Emit", "Upload",
    },
    "proxy": {
        "Ping", "GetAuthorities", "Heartbeat", "GetRoles", "Emit",
        "Login", "GetInvite", "AcceptInvite", "ListDocuments", "WatchAccessBundle", "GetRevocationList",
    },
    "user": {
        "Ping", "GetAuthorities", "CreateUser", "UpdateUser", "ResetUser", "CreateToken", "SignIdentity",
        "GetDocument", "ListDocuments", "PutDocument", "DeleteDocument", "Search", "List", "Read",
        "Storage",
        "GetRevocationList",
    },
    "admin": {
        "Ping", "GetAuthorities", "CreateUser", "UpdateUser", "ResetUser", "CreateToken", "SignIdentity",
        "GetDocument", "ListDocuments", "PutDocument", "DeleteDocument", "Search", "List", "Read",
        "Storage", "Retain",
        "GetRevocationList",
    },
}  # fmt: skip
HARMLESS_FOR_A_USER_WITHOUT_RULES = {"Ping", "GetAuthorities", "GetRevocationList", "List"}


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[RunningAuth]:
    async with running_auth(tmp_path) as running:
        yield running


async def invoke(auth: RunningAuth, credentials: Credentials | None, method: Any) -> None:
    """Call with an empty request, or raise what the server raised."""
    client = auth.client(credentials)
    stub = getattr(client, method.containing_service.name.lower())
    request = method.input_type._concrete_class()
    try:
        call = getattr(stub, method.name)(*([] if method.client_streaming else [request]))
        if method.client_streaming:
            with suppress(asyncio.InvalidStateError):  # the server refused before we had finished
                await call.done_writing()
        if method.server_streaming:
            async for _ in call:
                pass
        else:
            await call
    except grpc.RpcError as error:
        raise translated(error) from None
    finally:
        await client.close()


async def credentials_of(auth: RunningAuth, kind: str) -> Credentials | None:
    if kind in {"node", "proxy"}:
        return (await auth.join(kind))[1]
    if kind == "user":
        await auth.call(auth.admin, "auth.CreateUser", pb.CreateUserRequest(name="alice", roles=["access"]))
        return await auth.sign("alice")
    return auth.admin if kind == "admin" else None


def test_the_table_names_every_rpc_and_nothing_else() -> None:
    assert set(TABLE) == {f"/proctor.v1.{m.containing_service.name}/{m.name}" for m in METHODS}


@pytest.mark.parametrize("kind", sorted(EXPECTED))
async def test_callers_are_refused_what_is_not_for_their_kind(auth: RunningAuth, kind: str) -> None:
    credentials = await credentials_of(auth, kind)
    for method in METHODS:
        refused = False
        try:
            await invoke(auth, credentials, method)
        except Unauthenticated:
            refused = True
        except AccessDenied as error:
            refused = "may not call" in error.message
        except ProctorError:
            refused = False
        assert refused is (method.name not in EXPECTED[kind]), f"{kind} {method.name}"


async def test_a_user_without_rules_administers_and_reads_nothing(auth: RunningAuth) -> None:
    credentials = await credentials_of(auth, "user")
    client = auth.client(credentials)
    requests: dict[str, list[Any]] = {
        "GetDocument": [
            pb.DocumentRequest(kind=kind, name="x") for kind in ("role", "user", "token", "node", "lock")
        ],
        "ListDocuments": [pb.ListDocumentsRequest(kind=kind) for kind in ("role", "user", "token", "lock")],
        "DeleteDocument": [
            pb.DocumentRequest(kind=kind, name="x") for kind in ("role", "user", "token", "node", "lock")
        ],
        "PutDocument": [
            pb.PutDocumentRequest(json=b'{"kind":"role","metadata":{"name":"x"}}'),
            pb.PutDocumentRequest(
                json=b'{"kind":"user","metadata":{"name":"alice"},"spec":{"roles":["editor"]}}'
            ),
            pb.PutDocumentRequest(
                json=b'{"kind":"lock","metadata":{"name":"x"},"spec":{"target":{"user":"alice"}}}'
            ),
            pb.PutDocumentRequest(json=b'{"kind":"token","metadata":{"name":"x"},"spec":{"roles":["node"]}}'),
        ],
    }
    for name in sorted(EXPECTED["user"] - HARMLESS_FOR_A_USER_WITHOUT_RULES):
        method = next(method for method in METHODS if method.name == name)
        for request in requests.get(name, [method.input_type._concrete_class()]):
            stub = getattr(client, method.containing_service.name.lower())
            with pytest.raises(AccessDenied):
                try:
                    call = getattr(stub, name)(request)
                    _ = [item async for item in call] if method.server_streaming else await call
                except grpc.RpcError as error:
                    raise translated(error) from None
    await client.close()
