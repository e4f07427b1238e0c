# SPDX-License-Identifier: Apache-2.0
"""Callers of each RPC, deny by default; access to documents is decided by roles."""

from __future__ import annotations

from proctor.model.identity import SystemRole
from proctor.rpc.grpc_server import ANONYMOUS, USER, AccessTable

_AUTH, _PROXY, _NODE, _ADMIN = (role.value for role in SystemRole)
_EVERYBODY = frozenset({ANONYMOUS, USER, _AUTH, _PROXY, _NODE, _ADMIN})
_MEMBERS = _EVERYBODY - {ANONYMOUS}
_AGENTS = frozenset({_PROXY, _NODE})
_PEOPLE = frozenset({USER, _ADMIN})

TABLE: AccessTable = {
    "/proctor.v1.Join/RegisterHost": frozenset({ANONYMOUS}),
    "/proctor.v1.Auth/Ping": _EVERYBODY,
    "/proctor.v1.Auth/GetAuthorities": _MEMBERS,
    "/proctor.v1.Auth/Login": frozenset({_PROXY}),
    "/proctor.v1.Auth/GetInvite": frozenset({_PROXY}),
    "/proctor.v1.Auth/AcceptInvite": frozenset({_PROXY}),
    "/proctor.v1.Auth/CreateUser": _PEOPLE,
    "/proctor.v1.Auth/UpdateUser": _PEOPLE,
    "/proctor.v1.Auth/ResetUser": _PEOPLE,
    "/proctor.v1.Auth/CreateToken": _PEOPLE,
    "/proctor.v1.Auth/SignIdentity": _PEOPLE,
    "/proctor.v1.Auth/GetDocument": _PEOPLE,
    "/proctor.v1.Auth/ListDocuments": _PEOPLE | {_PROXY},
    "/proctor.v1.Auth/PutDocument": _PEOPLE,
    "/proctor.v1.Auth/DeleteDocument": _PEOPLE,
    "/proctor.v1.Auth/Heartbeat": _AGENTS,
    "/proctor.v1.Auth/GetRoles": frozenset({_PROXY}),
    "/proctor.v1.Auth/GetAccessBundle": frozenset({_NODE}),
    "/proctor.v1.Auth/WatchAccessBundle": _AGENTS,
    "/proctor.v1.Auth/GetRevocationList": _PEOPLE | _AGENTS,
    "/proctor.v1.Audit/Emit": _AGENTS,
    "/proctor.v1.Audit/Search": _PEOPLE,
    "/proctor.v1.Audit/Storage": _PEOPLE,
    "/proctor.v1.Audit/Retain": frozenset({_ADMIN}),
    "/proctor.v1.Recordings/Upload": frozenset({_NODE}),
    "/proctor.v1.Recordings/List": _PEOPLE,
    "/proctor.v1.Recordings/Read": _PEOPLE,
}
"""Callers by method; a method that is missing here refuses every caller."""
