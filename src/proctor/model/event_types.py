# SPDX-License-Identifier: Apache-2.0
"""Types of decoded audit events, as JSON has them.

Written by ``./run generate`` from ``schema/events.toml``; do not edit.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

UserLoginFields = TypedDict(
    "UserLoginFields",
    {
        "addr.remote": NotRequired[str],
        "attempts": NotRequired[int],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "error": NotRequired[str],
        "event": Literal["user.login"],
        "login": NotRequired[str],
        "message": NotRequired[str],
        "method": NotRequired[str],
        "mfa_device": NotRequired[dict[str, str]],
        "success": bool,
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_agent": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A person logged in, or failed to."""

UserCreateFields = TypedDict(
    "UserCreateFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "connector": NotRequired[str],
        "ei": int,
        "event": Literal["user.create"],
        "expires": str,
        "name": NotRequired[str],
        "roles": NotRequired[list[str]],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A user was created."""

UserUpdateFields = TypedDict(
    "UserUpdateFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "connector": NotRequired[str],
        "ei": int,
        "event": Literal["user.update"],
        "expires": str,
        "name": NotRequired[str],
        "roles": NotRequired[list[str]],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A user was changed."""

UserDeleteFields = TypedDict(
    "UserDeleteFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["user.delete"],
        "expires": str,
        "name": NotRequired[str],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A user was removed."""


class UserPasswordChangeFields(TypedDict):
    """A person set a password."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["user.password_change"]
    login: NotRequired[str]
    time: str
    uid: str
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]


class MfaAddFields(TypedDict):
    """A second factor was registered."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["mfa.add"]
    login: NotRequired[str]
    mfa_device_name: NotRequired[str]
    mfa_device_type: NotRequired[str]
    mfa_device_uuid: NotRequired[str]
    time: str
    uid: str
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]


ResetPasswordTokenCreateFields = TypedDict(
    "ResetPasswordTokenCreateFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["reset_password_token.create"],
        "expires": str,
        "name": NotRequired[str],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A one-time invite or reset link was made."""


class CertCreateFields(TypedDict):
    """A certificate was issued to a person, or to a host."""

    cert_type: str
    cluster_name: str
    code: str
    ei: int
    event: Literal["cert.create"]
    identity: NotRequired[dict[str, Any]]
    serial: NotRequired[str]
    time: str
    uid: str


LockCreatedFields = TypedDict(
    "LockCreatedFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["lock.created"],
        "expires": str,
        "message": NotRequired[str],
        "name": NotRequired[str],
        "target": NotRequired[dict[str, str]],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A lock was put in force."""

LockDeletedFields = TypedDict(
    "LockDeletedFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["lock.deleted"],
        "expires": str,
        "name": NotRequired[str],
        "target": NotRequired[dict[str, str]],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A lock was lifted."""

JoinTokenCreateFields = TypedDict(
    "JoinTokenCreateFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["join_token.create"],
        "expires": str,
        "join_method": NotRequired[str],
        "name": NotRequired[str],
        "roles": NotRequired[list[str]],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A join token was made; ``name`` is masked."""

JoinTokenDeleteFields = TypedDict(
    "JoinTokenDeleteFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["join_token.delete"],
        "expires": str,
        "name": NotRequired[str],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A join token was revoked."""

InstanceJoinFields = TypedDict(
    "InstanceJoinFields",
    {
        "addr.remote": NotRequired[str],
        "attempts": NotRequired[int],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "error": NotRequired[str],
        "event": Literal["instance.join"],
        "host_id": NotRequired[str],
        "method": NotRequired[str],
        "node_name": NotRequired[str],
        "role": NotRequired[str],
        "success": bool,
        "time": str,
        "token_name": NotRequired[str],
        "uid": str,
    },
)
"""A host joined the cluster, or was refused."""

RoleCreatedFields = TypedDict(
    "RoleCreatedFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["role.created"],
        "expires": str,
        "name": NotRequired[str],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A role was created."""

RoleUpdatedFields = TypedDict(
    "RoleUpdatedFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["role.updated"],
        "expires": str,
        "name": NotRequired[str],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A role was changed."""

RoleDeletedFields = TypedDict(
    "RoleDeletedFields",
    {
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["role.deleted"],
        "expires": str,
        "name": NotRequired[str],
        "time": str,
        "ttl": NotRequired[str],
        "uid": str,
        "updated_by": NotRequired[str],
        "user": NotRequired[str],
    },
)
"""A role was removed."""

AuthAttemptFields = TypedDict(
    "AuthAttemptFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "attempts": NotRequired[int],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "error": NotRequired[str],
        "event": Literal["auth"],
        "login": NotRequired[str],
        "message": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "success": bool,
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""An SSH login was refused."""

SessionRejectedFields = TypedDict(
    "SessionRejectedFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["session.rejected"],
        "login": NotRequired[str],
        "max": NotRequired[int],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "reason": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A session was refused although the login was accepted."""

SessionStartFields = TypedDict(
    "SessionStartFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["session.start"],
        "initial_command": NotRequired[list[str]],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "session_recording": NotRequired[str],
        "sid": NotRequired[str],
        "size": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A session began."""

SessionAttestationFields = TypedDict(
    "SessionAttestationFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["session.attestation"],
        "host_certificate": str,
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "signature": str,
        "statement": str,
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A user has logged in and started this session, as user and host have signed; the first event of each."""

ResizeFields = TypedDict(
    "ResizeFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["resize"],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "size": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""The terminal changed its size."""


class SessionLeaveFields(TypedDict):
    """A person left a session."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["session.leave"]
    login: NotRequired[str]
    namespace: NotRequired[str]
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    time: str
    uid: str
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]


SessionEndFields = TypedDict(
    "SessionEndFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "enhanced_recording": bool,
        "event": Literal["session.end"],
        "initial_command": NotRequired[list[str]],
        "interactive": bool,
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "participants": list[str],
        "proto": NotRequired[str],
        "reason": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "session_recording": NotRequired[str],
        "session_start": NotRequired[str],
        "session_stop": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A session ended."""

SessionDataFields = TypedDict(
    "SessionDataFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["session.data"],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "rx": int,
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "tx": int,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""Bytes that the connection of a session carried."""


class SessionUploadFields(TypedDict):
    """A recording is complete in the archive."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["session.upload"]
    sid: NotRequired[str]
    time: str
    uid: str
    url: NotRequired[str]


class SessionRecordingAccessFields(TypedDict):
    """A person read a recording."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["session.recording.access"]
    format: NotRequired[str]
    login: NotRequired[str]
    sid: NotRequired[str]
    time: str
    uid: str
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]


SubsystemFields = TypedDict(
    "SubsystemFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["subsystem"],
        "exitError": NotRequired[str],
        "login": NotRequired[str],
        "name": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""An SSH subsystem was requested."""

ExecFields = TypedDict(
    "ExecFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "command": NotRequired[str],
        "ei": int,
        "event": Literal["exec"],
        "exitCode": str,
        "exitError": NotRequired[str],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A command was run without a shell session."""

ScpFields = TypedDict(
    "ScpFields",
    {
        "action": NotRequired[Literal["download", "upload"]],
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "command": NotRequired[str],
        "ei": int,
        "event": Literal["scp"],
        "exitCode": str,
        "exitError": NotRequired[str],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "path": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A file was copied with the old scp protocol."""

SftpFields = TypedDict(
    "SftpFields",
    {
        "action": int,
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "attributes": NotRequired[dict[str, Any]],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "error": NotRequired[str],
        "event": Literal["sftp"],
        "flags": NotRequired[int],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "path": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "target_path": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
        "working_directory": NotRequired[str],
    },
)
"""One file operation over SFTP."""

SftpSummaryFields = TypedDict(
    "SftpSummaryFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["sftp_summary"],
        "file_transfer_stats": NotRequired[list[dict[str, Any]]],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""What a file transfer moved in all."""

PortFields = TypedDict(
    "PortFields",
    {
        "addr": NotRequired[str],
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "error": NotRequired[str],
        "event": Literal["port"],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "success": bool,
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""A TCP forward was opened, refused (error) or closed (code T3003S)."""

ClientDisconnectFields = TypedDict(
    "ClientDisconnectFields",
    {
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "cluster_name": str,
        "code": str,
        "ei": int,
        "event": Literal["client.disconnect"],
        "login": NotRequired[str],
        "namespace": NotRequired[str],
        "proto": NotRequired[str],
        "reason": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": str,
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "sid": NotRequired[str],
        "time": str,
        "uid": str,
        "user": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
    },
)
"""The server closed a connection."""


class SessionCommandFields(TypedDict):
    """A program was executed."""

    args: NotRequired[list[str]]
    argv: list[str]
    audit_session_id: NotRequired[int]
    cgroup_id: int
    cluster_name: str
    code: str
    cwd: NotRequired[str]
    cwd_state: NotRequired[str]
    delegated: NotRequired[dict[str, str]]
    detached: NotRequired[bool]
    ei: int
    env: NotRequired[dict[str, str]]
    event: Literal["session.command"]
    exe: NotRequired[str]
    exe_device: NotRequired[str]
    exe_inode: NotRequired[int]
    exe_mount_id: NotRequired[int]
    exe_state: NotRequired[str]
    interpreter: NotRequired[str]
    loader: NotRequired[str]
    login: NotRequired[str]
    namespace: NotRequired[str]
    path: str
    pid: int
    ppid: int
    process_euid: NotRequired[int]
    process_uid: NotRequired[int]
    program: str
    return_code: int
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sha256: NotRequired[str]
    sha256_missing: NotRequired[str]
    sid: NotRequired[str]
    time: str
    truncated: NotRequired[list[str]]
    tty: NotRequired[str]
    uid: str
    unresolved: NotRequired[bool]
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]
    via: NotRequired[str]


class SessionDiskFields(TypedDict):
    """A file was opened."""

    audit_session_id: NotRequired[int]
    cgroup_id: int
    cluster_name: str
    code: str
    delegated: NotRequired[dict[str, str]]
    detached: NotRequired[bool]
    device: NotRequired[str]
    ei: int
    event: Literal["session.disk"]
    flags: int
    inode: NotRequired[int]
    login: NotRequired[str]
    mount_id: NotRequired[int]
    namespace: NotRequired[str]
    path: str
    path_state: NotRequired[str]
    pid: int
    process_euid: NotRequired[int]
    process_uid: NotRequired[int]
    program: str
    return_code: int
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    time: str
    truncated: NotRequired[list[str]]
    uid: str
    unresolved: NotRequired[bool]
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]
    via: NotRequired[str]


class SessionNetworkFields(TypedDict):
    """A connection, or a means of making some."""

    action: int
    audit_session_id: NotRequired[int]
    cgroup_id: int
    cluster_name: str
    code: str
    delegated: NotRequired[dict[str, str]]
    detached: NotRequired[bool]
    dst_addr: str
    dst_port: int
    ei: int
    event: Literal["session.network"]
    login: NotRequired[str]
    namespace: NotRequired[str]
    operation: int
    pid: int
    process_euid: NotRequired[int]
    process_uid: NotRequired[int]
    program: str
    protocol: NotRequired[str]
    return_code: NotRequired[int]
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    src_addr: str
    src_port: NotRequired[int]
    time: str
    truncated: NotRequired[list[str]]
    uid: str
    unresolved: NotRequired[bool]
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]
    version: int
    via: NotRequired[str]


class SessionOutcomeFields(TypedDict):
    """How a connection ended that was begun without waiting for it; fields as of its ``session.network``."""

    action: NotRequired[int]
    audit_session_id: NotRequired[int]
    cgroup_id: NotRequired[int]
    cluster_name: str
    code: str
    delegated: NotRequired[dict[str, str]]
    detached: NotRequired[bool]
    dst_addr: str
    dst_port: int
    ei: int
    event: Literal["session.outcome"]
    login: NotRequired[str]
    namespace: NotRequired[str]
    pid: int
    process_euid: NotRequired[int]
    process_uid: NotRequired[int]
    program: str
    protocol: NotRequired[str]
    return_code: int
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    src_addr: str
    src_port: NotRequired[int]
    time: str
    truncated: NotRequired[list[str]]
    uid: str
    unresolved: NotRequired[bool]
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]
    version: int
    via: NotRequired[str]


class SessionTamperFields(TypedDict):
    """Something was done, or tried, that can blind or mislead the record."""

    audit_session_id: NotRequired[int]
    cgroup_id: NotRequired[int]
    cluster_name: str
    code: str
    delegated: NotRequired[dict[str, str]]
    detached: NotRequired[bool]
    detail: NotRequired[str]
    ei: int
    event: Literal["session.tamper"]
    login: NotRequired[str]
    namespace: NotRequired[str]
    pid: int
    process_euid: NotRequired[int]
    process_uid: NotRequired[int]
    program: str
    return_code: int
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    target: NotRequired[str]
    target_pid: NotRequired[int]
    technique: str
    time: str
    truncated: NotRequired[list[str]]
    uid: str
    unresolved: NotRequired[bool]
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]
    via: NotRequired[str]


class SessionEscapeFields(TypedDict):
    """A process left its session's cgroup; it is still recorded."""

    audit_session_id: NotRequired[int]
    by_pid: NotRequired[int]
    cgroup: str
    cgroup_id: NotRequired[int]
    cluster_name: str
    code: str
    delegated: NotRequired[dict[str, str]]
    detached: NotRequired[bool]
    ei: int
    event: Literal["session.escape"]
    login: NotRequired[str]
    namespace: NotRequired[str]
    pid: int
    process_euid: NotRequired[int]
    process_uid: NotRequired[int]
    program: str
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    time: str
    truncated: NotRequired[list[str]]
    uid: str
    unresolved: NotRequired[bool]
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]
    via: NotRequired[str]


class SessionLossFields(TypedDict):
    """Events of this session that could not be recorded, by kind."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["session.loss"]
    login: NotRequired[str]
    lost: NotRequired[dict[str, int]]
    namespace: NotRequired[str]
    reason: NotRequired[str]
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    time: str
    uid: str
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]


class SessionLedgerFields(TypedDict):
    """The accounting of a session's kernel events, before ``session.end``: started = stored + filtered + lost + unfinished."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["session.ledger"]
    filtered: NotRequired[dict[str, int]]
    freezes: NotRequired[int]
    frozen_ms: NotRequired[int]
    login: NotRequired[str]
    lost: NotRequired[dict[str, dict[str, int]]]
    namespace: NotRequired[str]
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    started: NotRequired[dict[str, int]]
    stored: dict[str, int]
    submitted: dict[str, int]
    time: str
    uid: str
    unfinished: NotRequired[dict[str, int]]
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]


class SessionFreezeFields(TypedDict):
    """A strict session was frozen until capture had caught up."""

    backlog: NotRequired[int]
    cluster_name: str
    code: str
    ei: int
    event: Literal["session.freeze"]
    login: NotRequired[str]
    milliseconds: int
    namespace: NotRequired[str]
    server_addr: NotRequired[str]
    server_hostname: NotRequired[str]
    server_id: str
    server_labels: NotRequired[dict[str, str]]
    server_version: NotRequired[str]
    sid: NotRequired[str]
    time: str
    uid: str
    user: NotRequired[str]
    user_roles: NotRequired[list[str]]
    user_traits: NotRequired[dict[str, list[str]]]


class AuditGapFields(TypedDict):
    """Events that a source announced or held and that are not in the log."""

    cluster_name: str
    code: str
    ei: int
    event: Literal["audit.gap"]
    lost: int
    reason: NotRequired[str]
    source: str
    time: str
    uid: str


class AuditRetentionFields(TypedDict):
    """Days of the audit log and recordings removed since their retention was over."""

    bytes: int
    cluster_name: str
    code: str
    days: NotRequired[list[str]]
    ei: int
    event: Literal["audit.retention"]
    events: int
    first: NotRequired[str]
    last: NotRequired[str]
    recordings: int
    time: str
    uid: str


class PrintFields(TypedDict):
    """A piece of terminal output, in recordings only; the bytes are in the chunks file."""

    bytes: int
    ci: int
    cluster_name: NotRequired[str]
    code: NotRequired[str]
    ei: int
    event: Literal["print"]
    ms: int
    offset: int
    time: str
    uid: NotRequired[str]


EventFields = TypedDict(
    "EventFields",
    {
        "action": NotRequired[str | int],
        "addr": NotRequired[str],
        "addr.local": NotRequired[str],
        "addr.remote": NotRequired[str],
        "args": NotRequired[list[str]],
        "argv": NotRequired[list[str]],
        "attempts": NotRequired[int],
        "attributes": NotRequired[dict[str, Any]],
        "audit_session_id": NotRequired[int],
        "backlog": NotRequired[int],
        "by_pid": NotRequired[int],
        "bytes": NotRequired[int],
        "cert_type": NotRequired[str],
        "cgroup": NotRequired[str],
        "cgroup_id": NotRequired[int],
        "ci": NotRequired[int],
        "cluster_name": NotRequired[str],
        "code": NotRequired[str],
        "command": NotRequired[str],
        "connector": NotRequired[str],
        "cwd": NotRequired[str],
        "cwd_state": NotRequired[str],
        "days": NotRequired[list[str]],
        "delegated": NotRequired[dict[str, str]],
        "detached": NotRequired[bool],
        "detail": NotRequired[str],
        "device": NotRequired[str],
        "dst_addr": NotRequired[str],
        "dst_port": NotRequired[int],
        "ei": int,
        "enhanced_recording": NotRequired[bool],
        "env": NotRequired[dict[str, str]],
        "error": NotRequired[str],
        "event": str,
        "events": NotRequired[int],
        "exe": NotRequired[str],
        "exe_device": NotRequired[str],
        "exe_inode": NotRequired[int],
        "exe_mount_id": NotRequired[int],
        "exe_state": NotRequired[str],
        "exitCode": NotRequired[str],
        "exitError": NotRequired[str],
        "expires": NotRequired[str],
        "file_transfer_stats": NotRequired[list[dict[str, Any]]],
        "filtered": NotRequired[dict[str, int]],
        "first": NotRequired[str],
        "flags": NotRequired[int],
        "format": NotRequired[str],
        "freezes": NotRequired[int],
        "frozen_ms": NotRequired[int],
        "host_certificate": NotRequired[str],
        "host_id": NotRequired[str],
        "identity": NotRequired[dict[str, Any]],
        "initial_command": NotRequired[list[str]],
        "inode": NotRequired[int],
        "interactive": NotRequired[bool],
        "interpreter": NotRequired[str],
        "join_method": NotRequired[str],
        "last": NotRequired[str],
        "loader": NotRequired[str],
        "login": NotRequired[str],
        "lost": NotRequired[dict[str, int] | dict[str, dict[str, int]] | int],
        "max": NotRequired[int],
        "message": NotRequired[str],
        "method": NotRequired[str],
        "mfa_device": NotRequired[dict[str, str]],
        "mfa_device_name": NotRequired[str],
        "mfa_device_type": NotRequired[str],
        "mfa_device_uuid": NotRequired[str],
        "milliseconds": NotRequired[int],
        "mount_id": NotRequired[int],
        "ms": NotRequired[int],
        "name": NotRequired[str],
        "namespace": NotRequired[str],
        "node_name": NotRequired[str],
        "offset": NotRequired[int],
        "operation": NotRequired[int],
        "participants": NotRequired[list[str]],
        "path": NotRequired[str],
        "path_state": NotRequired[str],
        "pid": NotRequired[int],
        "ppid": NotRequired[int],
        "process_euid": NotRequired[int],
        "process_uid": NotRequired[int],
        "program": NotRequired[str],
        "proto": NotRequired[str],
        "protocol": NotRequired[str],
        "reason": NotRequired[str],
        "recordings": NotRequired[int],
        "return_code": NotRequired[int],
        "role": NotRequired[str],
        "roles": NotRequired[list[str]],
        "rx": NotRequired[int],
        "serial": NotRequired[str],
        "server_addr": NotRequired[str],
        "server_hostname": NotRequired[str],
        "server_id": NotRequired[str],
        "server_labels": NotRequired[dict[str, str]],
        "server_version": NotRequired[str],
        "session_recording": NotRequired[str],
        "session_start": NotRequired[str],
        "session_stop": NotRequired[str],
        "sha256": NotRequired[str],
        "sha256_missing": NotRequired[str],
        "sid": NotRequired[str],
        "signature": NotRequired[str],
        "size": NotRequired[str],
        "source": NotRequired[str],
        "src_addr": NotRequired[str],
        "src_port": NotRequired[int],
        "started": NotRequired[dict[str, int]],
        "statement": NotRequired[str],
        "stored": NotRequired[dict[str, int]],
        "submitted": NotRequired[dict[str, int]],
        "success": NotRequired[bool],
        "target": NotRequired[dict[str, str] | str],
        "target_path": NotRequired[str],
        "target_pid": NotRequired[int],
        "technique": NotRequired[str],
        "time": str,
        "token_name": NotRequired[str],
        "truncated": NotRequired[list[str]],
        "ttl": NotRequired[str],
        "tty": NotRequired[str],
        "tx": NotRequired[int],
        "uid": NotRequired[str],
        "unfinished": NotRequired[dict[str, int]],
        "unresolved": NotRequired[bool],
        "updated_by": NotRequired[str],
        "url": NotRequired[str],
        "user": NotRequired[str],
        "user_agent": NotRequired[str],
        "user_roles": NotRequired[list[str]],
        "user_traits": NotRequired[dict[str, list[str]]],
        "version": NotRequired[int],
        "via": NotRequired[str],
        "working_directory": NotRequired[str],
    },
)
"""Any event: fields of all kinds."""

KnownEvent = (
    UserLoginFields
    | UserCreateFields
    | UserUpdateFields
    | UserDeleteFields
    | UserPasswordChangeFields
    | MfaAddFields
    | ResetPasswordTokenCreateFields
    | CertCreateFields
    | LockCreatedFields
    | LockDeletedFields
    | JoinTokenCreateFields
    | JoinTokenDeleteFields
    | InstanceJoinFields
    | RoleCreatedFields
    | RoleUpdatedFields
    | RoleDeletedFields
    | AuthAttemptFields
    | SessionRejectedFields
    | SessionStartFields
    | SessionAttestationFields
    | ResizeFields
    | SessionLeaveFields
    | SessionEndFields
    | SessionDataFields
    | SessionUploadFields
    | SessionRecordingAccessFields
    | SubsystemFields
    | ExecFields
    | ScpFields
    | SftpFields
    | SftpSummaryFields
    | PortFields
    | ClientDisconnectFields
    | SessionCommandFields
    | SessionDiskFields
    | SessionNetworkFields
    | SessionOutcomeFields
    | SessionTamperFields
    | SessionEscapeFields
    | SessionLossFields
    | SessionLedgerFields
    | SessionFreezeFields
    | AuditGapFields
    | AuditRetentionFields
    | PrintFields
)
"""An event whose name is known: test ``event["event"]``."""
