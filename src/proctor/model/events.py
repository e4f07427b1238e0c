# SPDX-License-Identifier: Apache-2.0
"""Audit events: one struct for each, with the fields that its block shares.

Written by ``./run generate`` from ``schema/events.toml``; do not edit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from proctor.model.event import Event


class UserPart(Event):
    """Who did it."""

    user: str = ""
    login: str = ""
    user_roles: list[str] = []
    user_traits: dict[str, list[str]] = {}


class ResourcePart(Event):
    """A resource that was made, changed or removed."""

    user: str = ""
    name: str = ""
    expires: str = "0001-01-01T00:00:00Z"
    updated_by: str = ""
    ttl: str = ""
    addr_remote: str = ""


class SessionPart(UserPart):
    """An event of one session on one node."""

    namespace: str = ""
    sid: str = ""
    server_id: str = ""
    server_hostname: str = ""
    server_addr: str = ""
    server_labels: dict[str, str] = {}
    server_version: str = ""


class ConnectionPart(SessionPart):
    """A session event with both ends of the SSH connection."""

    addr_local: str = ""
    addr_remote: str = ""
    proto: str = ""


class KernelPart(SessionPart):
    """What the kernel observed. ``process_uid`` and ``process_euid`` are user ids; ``uid`` is the event's."""

    pid: int = 0
    cgroup_id: int = 0
    program: str = ""
    process_uid: int = 0
    process_euid: int = 0
    audit_session_id: int = 0
    truncated: list[str] = []
    detached: bool = False
    via: str = ""
    delegated: dict[str, str] = {}
    unresolved: bool = False


class UserLogin(UserPart):
    """A person logged in, or failed to."""

    EVENT: ClassVar[str] = "user.login"
    CODE: ClassVar[str] = "T1000I"
    FAILURE_CODE: ClassVar[str] = "T1000W"
    CODES: ClassVar[tuple[str, ...]] = ("T1000I", "T1000W")
    ALWAYS: ClassVar[tuple[str, ...]] = ("success",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    success: bool = True
    error: str = ""
    message: str = ""
    method: str = "local"
    addr_remote: str = ""
    user_agent: str = ""
    mfa_device: dict[str, str] = {}
    attempts: int = 0


class UserCreate(ResourcePart):
    """A user was created."""

    EVENT: ClassVar[str] = "user.create"
    CODE: ClassVar[str] = "T1002I"
    CODES: ClassVar[tuple[str, ...]] = ("T1002I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    roles: list[str] = []
    connector: str = "local"


class UserUpdate(ResourcePart):
    """A user was changed."""

    EVENT: ClassVar[str] = "user.update"
    CODE: ClassVar[str] = "T1003I"
    CODES: ClassVar[tuple[str, ...]] = ("T1003I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    roles: list[str] = []
    connector: str = "local"


class UserDelete(ResourcePart):
    """A user was removed."""

    EVENT: ClassVar[str] = "user.delete"
    CODE: ClassVar[str] = "T1004I"
    CODES: ClassVar[tuple[str, ...]] = ("T1004I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))


class UserPasswordChange(UserPart):
    """A person set a password."""

    EVENT: ClassVar[str] = "user.password_change"
    CODE: ClassVar[str] = "T1005I"
    CODES: ClassVar[tuple[str, ...]] = ("T1005I",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))


class MfaAdd(UserPart):
    """A second factor was registered."""

    EVENT: ClassVar[str] = "mfa.add"
    CODE: ClassVar[str] = "T1006I"
    CODES: ClassVar[tuple[str, ...]] = ("T1006I",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    mfa_device_name: str = ""
    mfa_device_uuid: str = ""
    mfa_device_type: str = ""


class ResetPasswordTokenCreate(ResourcePart):
    """A one-time invite or reset link was made."""

    EVENT: ClassVar[str] = "reset_password_token.create"
    CODE: ClassVar[str] = "T6000I"
    CODES: ClassVar[tuple[str, ...]] = ("T6000I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))


class CertCreate(Event):
    """A certificate was issued to a person, or to a host."""

    EVENT: ClassVar[str] = "cert.create"
    CODE: ClassVar[str] = "TC000I"
    CODES: ClassVar[tuple[str, ...]] = ("TC000I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("cert_type",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    cert_type: str = "user"
    identity: dict[str, Any] = {}
    serial: str = ""


class LockCreated(ResourcePart):
    """A lock was put in force."""

    EVENT: ClassVar[str] = "lock.created"
    CODE: ClassVar[str] = "TLK00I"
    CODES: ClassVar[tuple[str, ...]] = ("TLK00I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    target: dict[str, str] = {}
    message: str = ""


class LockDeleted(ResourcePart):
    """A lock was lifted."""

    EVENT: ClassVar[str] = "lock.deleted"
    CODE: ClassVar[str] = "TLK01I"
    CODES: ClassVar[tuple[str, ...]] = ("TLK01I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    target: dict[str, str] = {}


class JoinTokenCreate(ResourcePart):
    """A join token was made; ``name`` is masked."""

    EVENT: ClassVar[str] = "join_token.create"
    CODE: ClassVar[str] = "TJT00I"
    CODES: ClassVar[tuple[str, ...]] = ("TJT00I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    roles: list[str] = []
    join_method: str = "token"


class JoinTokenDelete(ResourcePart):
    """A join token was revoked."""

    EVENT: ClassVar[str] = "join_token.delete"
    CODE: ClassVar[str] = "TPJT01I"
    CODES: ClassVar[tuple[str, ...]] = ("TPJT01I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))


class InstanceJoin(Event):
    """A host joined the cluster, or was refused."""

    EVENT: ClassVar[str] = "instance.join"
    CODE: ClassVar[str] = "TJ002I"
    FAILURE_CODE: ClassVar[str] = "TJ002E"
    CODES: ClassVar[tuple[str, ...]] = ("TJ002I", "TJ002E")
    ALWAYS: ClassVar[tuple[str, ...]] = ("success",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    success: bool = True
    error: str = ""
    host_id: str = ""
    node_name: str = ""
    role: str = ""
    method: str = "token"
    token_name: str = ""
    addr_remote: str = ""
    attempts: int = 0


class RoleCreated(ResourcePart):
    """A role was created."""

    EVENT: ClassVar[str] = "role.created"
    CODE: ClassVar[str] = "T9000I"
    CODES: ClassVar[tuple[str, ...]] = ("T9000I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))


class RoleUpdated(ResourcePart):
    """A role was changed."""

    EVENT: ClassVar[str] = "role.updated"
    CODE: ClassVar[str] = "T9002I"
    CODES: ClassVar[tuple[str, ...]] = ("T9002I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))


class RoleDeleted(ResourcePart):
    """A role was removed."""

    EVENT: ClassVar[str] = "role.deleted"
    CODE: ClassVar[str] = "T9001I"
    CODES: ClassVar[tuple[str, ...]] = ("T9001I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))


class AuthAttempt(ConnectionPart):
    """An SSH login was refused."""

    EVENT: ClassVar[str] = "auth"
    CODE: ClassVar[str] = "T3007W"
    CODES: ClassVar[tuple[str, ...]] = ("T3007W",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "success")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node", "proxy"))

    success: bool = False
    error: str = ""
    message: str = ""
    attempts: int = 0


class SessionRejected(ConnectionPart):
    """A session was refused although the login was accepted."""

    EVENT: ClassVar[str] = "session.rejected"
    CODE: ClassVar[str] = "T1006W"
    CODES: ClassVar[tuple[str, ...]] = ("T1006W",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    reason: str = ""
    max: int = 0


class SessionStart(ConnectionPart):
    """A session began."""

    EVENT: ClassVar[str] = "session.start"
    CODE: ClassVar[str] = "T2000I"
    CODES: ClassVar[tuple[str, ...]] = ("T2000I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    size: str = ""
    initial_command: list[str] = []
    session_recording: str = ""


class SessionAttestation(ConnectionPart):
    """A user has logged in and started this session, as user and host have signed; the first event of each."""

    EVENT: ClassVar[str] = "session.attestation"
    CODE: ClassVar[str] = "TP4920I"
    CODES: ClassVar[tuple[str, ...]] = ("TP4920I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "statement", "signature", "host_certificate")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    statement: str = ""
    signature: str = ""
    host_certificate: str = ""


class Resize(ConnectionPart):
    """The terminal changed its size."""

    EVENT: ClassVar[str] = "resize"
    CODE: ClassVar[str] = "T2002I"
    CODES: ClassVar[tuple[str, ...]] = ("T2002I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    size: str = ""


class SessionLeave(SessionPart):
    """A person left a session."""

    EVENT: ClassVar[str] = "session.leave"
    CODE: ClassVar[str] = "T2003I"
    CODES: ClassVar[tuple[str, ...]] = ("T2003I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))


class SessionEnd(ConnectionPart):
    """A session ended."""

    EVENT: ClassVar[str] = "session.end"
    CODE: ClassVar[str] = "T2004I"
    CODES: ClassVar[tuple[str, ...]] = ("T2004I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "enhanced_recording", "interactive", "participants")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    enhanced_recording: bool = False
    interactive: bool = False
    participants: list[str] = []
    session_start: str = ""
    session_stop: str = ""
    initial_command: list[str] = []
    session_recording: str = ""
    reason: str = ""


class SessionData(ConnectionPart):
    """Bytes that the connection of a session carried."""

    EVENT: ClassVar[str] = "session.data"
    CODE: ClassVar[str] = "T2006I"
    CODES: ClassVar[tuple[str, ...]] = ("T2006I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "tx", "rx")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    ei: int = 2147483646
    tx: int = 0
    rx: int = 0


class SessionUpload(Event):
    """A recording is complete in the archive."""

    EVENT: ClassVar[str] = "session.upload"
    CODE: ClassVar[str] = "T2005I"
    CODES: ClassVar[tuple[str, ...]] = ("T2005I",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    ei: int = 2147483647
    sid: str = ""
    url: str = ""


class SessionRecordingAccess(UserPart):
    """A person read a recording."""

    EVENT: ClassVar[str] = "session.recording.access"
    CODE: ClassVar[str] = "T2012I"
    CODES: ClassVar[tuple[str, ...]] = ("T2012I",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    sid: str = ""
    format: str = ""


class Subsystem(ConnectionPart):
    """An SSH subsystem was requested."""

    EVENT: ClassVar[str] = "subsystem"
    CODE: ClassVar[str] = "T3001I"
    FAILURE_CODE: ClassVar[str] = "T3001E"
    CODES: ClassVar[tuple[str, ...]] = ("T3001I", "T3001E")
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    name: str = ""
    exitError: str = ""


class Exec(ConnectionPart):
    """A command was run without a shell session."""

    EVENT: ClassVar[str] = "exec"
    CODE: ClassVar[str] = "T3002I"
    FAILURE_CODE: ClassVar[str] = "T3002E"
    CODES: ClassVar[tuple[str, ...]] = ("T3002I", "T3002E")
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "exitCode")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    command: str = ""
    exitCode: str = "0"
    exitError: str = ""


class Scp(ConnectionPart):
    """A file was copied with the old scp protocol."""

    EVENT: ClassVar[str] = "scp"
    CODE: ClassVar[str] = "T3004I"
    FAILURE_CODE: ClassVar[str] = "T3004E"
    CODES: ClassVar[tuple[str, ...]] = ("T3004I", "T3004E", "T3005I", "T3005E", "T3010E")
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "exitCode")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    command: str = ""
    exitCode: str = "0"
    exitError: str = ""
    path: str = ""
    action: Literal["download", "upload"] = "download"


class Sftp(ConnectionPart):
    """One file operation over SFTP."""

    EVENT: ClassVar[str] = "sftp"
    CODE: ClassVar[str] = "TS001I"
    CODES: ClassVar[tuple[str, ...]] = (
        "TS001I",
        "TS001E",
        "TS002I",
        "TS002E",
        "TS003I",
        "TS003E",
        "TS004I",
        "TS004E",
        "TS005I",
        "TS005E",
        "TS006I",
        "TS006E",
        "TS007I",
        "TS007E",
        "TS008I",
        "TS008E",
        "TS009I",
        "TS009E",
        "TS010I",
        "TS010E",
        "TS011I",
        "TS011E",
        "TS012I",
        "TS012E",
        "TS013I",
        "TS013E",
        "TS014I",
        "TS014E",
        "TS015I",
        "TS015E",
        "TS016I",
        "TS016E",
        "TS017I",
        "TS017E",
        "TS018I",
        "TS018E",
        "TS019I",
        "TS019E",
        "TS020E",
    )
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "action")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    working_directory: str = ""
    path: str = ""
    target_path: str = ""
    flags: int = 0
    attributes: dict[str, Any] = {}
    action: int = 1
    error: str = ""


class SftpSummary(ConnectionPart):
    """What a file transfer moved in all."""

    EVENT: ClassVar[str] = "sftp_summary"
    CODE: ClassVar[str] = "TS021I"
    CODES: ClassVar[tuple[str, ...]] = ("TS021I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    file_transfer_stats: list[dict[str, Any]] = []


class Port(ConnectionPart):
    """A TCP forward was opened, refused (error) or closed (code T3003S)."""

    EVENT: ClassVar[str] = "port"
    CODE: ClassVar[str] = "T3003I"
    FAILURE_CODE: ClassVar[str] = "T3003E"
    CODES: ClassVar[tuple[str, ...]] = ("T3003I", "T3003E", "T3003S")
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "success")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    success: bool = True
    error: str = ""
    addr: str = ""


class ClientDisconnect(ConnectionPart):
    """The server closed a connection."""

    EVENT: ClassVar[str] = "client.disconnect"
    CODE: ClassVar[str] = "T3006I"
    CODES: ClassVar[tuple[str, ...]] = ("T3006I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    reason: str = ""


class SessionCommand(KernelPart):
    """A program was executed."""

    EVENT: ClassVar[str] = "session.command"
    CODE: ClassVar[str] = "T4000I"
    CODES: ClassVar[tuple[str, ...]] = ("T4000I",)
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "server_id",
        "argv",
        "return_code",
        "cgroup_id",
        "pid",
        "ppid",
        "path",
        "program",
    )
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))
    SOURCE: ClassVar[str] = "kernel"

    ppid: int = 0
    path: str = ""
    argv: list[str] = []
    return_code: int = 0
    args: list[str] = []
    exe: str = ""
    cwd: str = ""
    tty: str = ""
    interpreter: str = ""
    exe_state: str = ""
    exe_device: str = ""
    exe_inode: int = 0
    exe_mount_id: int = 0
    cwd_state: str = ""
    loader: str = ""
    sha256: str = ""
    sha256_missing: str = ""
    env: dict[str, str] = {}


class SessionDisk(KernelPart):
    """A file was opened."""

    EVENT: ClassVar[str] = "session.disk"
    CODE: ClassVar[str] = "T4001I"
    CODES: ClassVar[tuple[str, ...]] = ("T4001I",)
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "server_id",
        "path",
        "flags",
        "return_code",
        "cgroup_id",
        "pid",
        "program",
    )
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))
    SOURCE: ClassVar[str] = "kernel"

    path: str = ""
    path_state: str = ""
    device: str = ""
    inode: int = 0
    mount_id: int = 0
    flags: int = 0
    return_code: int = 0


class SessionNetwork(KernelPart):
    """A connection, or a means of making some."""

    EVENT: ClassVar[str] = "session.network"
    CODE: ClassVar[str] = "T4002I"
    CODES: ClassVar[tuple[str, ...]] = ("T4002I",)
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "server_id",
        "action",
        "operation",
        "src_addr",
        "dst_addr",
        "dst_port",
        "version",
        "cgroup_id",
        "pid",
        "program",
    )
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))
    SOURCE: ClassVar[str] = "kernel"

    src_addr: str = ""
    dst_addr: str = ""
    dst_port: int = 0
    version: int = 4
    operation: int = 0
    action: int = 0
    src_port: int = 0
    protocol: str = ""
    return_code: int = 0


class SessionOutcome(KernelPart):
    """How a connection ended that was begun without waiting for it; fields as of its ``session.network``."""

    EVENT: ClassVar[str] = "session.outcome"
    CODE: ClassVar[str] = "TP4907I"
    CODES: ClassVar[tuple[str, ...]] = ("TP4907I",)
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "server_id",
        "src_addr",
        "dst_addr",
        "dst_port",
        "version",
        "return_code",
        "pid",
        "program",
    )
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))
    SOURCE: ClassVar[str] = "kernel"

    src_addr: str = ""
    dst_addr: str = ""
    dst_port: int = 0
    version: int = 4
    action: int = 0
    src_port: int = 0
    protocol: str = ""
    return_code: int = 0


class SessionTamper(KernelPart):
    """Something was done, or tried, that can blind or mislead the record."""

    EVENT: ClassVar[str] = "session.tamper"
    CODE: ClassVar[str] = "TP4903W"
    CODES: ClassVar[tuple[str, ...]] = ("TP4903W",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "technique", "return_code", "pid", "program")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))
    SOURCE: ClassVar[str] = "kernel"

    technique: str = ""
    target_pid: int = 0
    target: str = ""
    detail: str = ""
    return_code: int = 0


class SessionEscape(KernelPart):
    """A process left its session's cgroup; it is still recorded."""

    EVENT: ClassVar[str] = "session.escape"
    CODE: ClassVar[str] = "TP4904W"
    CODES: ClassVar[tuple[str, ...]] = ("TP4904W",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "pid", "program", "cgroup")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))
    SOURCE: ClassVar[str] = "kernel"

    cgroup: str = ""
    by_pid: int = 0


class SessionLoss(SessionPart):
    """Events of this session that could not be recorded, by kind."""

    EVENT: ClassVar[str] = "session.loss"
    CODE: ClassVar[str] = "TP4900W"
    CODES: ClassVar[tuple[str, ...]] = ("TP4900W",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node", "auth"))

    lost: dict[str, int] = {}
    reason: str = ""


class SessionLedger(SessionPart):
    """The accounting of a session's kernel events, before ``session.end``: started = stored + filtered + lost + unfinished."""

    EVENT: ClassVar[str] = "session.ledger"
    CODE: ClassVar[str] = "TP4905I"
    CODES: ClassVar[tuple[str, ...]] = ("TP4905I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "submitted", "stored")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    started: dict[str, int] = {}
    unfinished: dict[str, int] = {}
    submitted: dict[str, int] = {}
    stored: dict[str, int] = {}
    filtered: dict[str, int] = {}
    lost: dict[str, dict[str, int]] = {}
    freezes: int = 0
    frozen_ms: int = 0


class SessionFreeze(SessionPart):
    """A strict session was frozen until capture had caught up."""

    EVENT: ClassVar[str] = "session.freeze"
    CODE: ClassVar[str] = "TP4906I"
    CODES: ClassVar[tuple[str, ...]] = ("TP4906I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "milliseconds")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    milliseconds: int = 0
    backlog: int = 0


class AuditGap(Event):
    """Events that a source announced or held and that are not in the log."""

    EVENT: ClassVar[str] = "audit.gap"
    CODE: ClassVar[str] = "TP4901W"
    CODES: ClassVar[tuple[str, ...]] = ("TP4901W",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("lost", "source")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth", "node", "proxy"))

    source: str = ""
    lost: int = 0
    reason: str = ""


class AuditRetention(Event):
    """Days of the audit log and recordings removed since their retention was over."""

    EVENT: ClassVar[str] = "audit.retention"
    CODE: ClassVar[str] = "TP4908I"
    CODES: ClassVar[tuple[str, ...]] = ("TP4908I",)
    ALWAYS: ClassVar[tuple[str, ...]] = ("bytes", "events", "recordings")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("auth",))

    days: list[str] = []
    events: int = 0
    recordings: int = 0
    bytes: int = 0
    first: str = ""
    last: str = ""


class Print(Event):
    """A piece of terminal output, in recordings only; the bytes are in the chunks file."""

    EVENT: ClassVar[str] = "print"
    CODES: ClassVar[tuple[str, ...]] = ()
    ALWAYS: ClassVar[tuple[str, ...]] = ("ci", "bytes", "ms", "offset")
    EMITTERS: ClassVar[frozenset[str]] = frozenset(("node",))

    ci: int = 0
    bytes: int = 0
    ms: int = 0
    offset: int = 0


EVENTS: dict[str, type[Event]] = {
    "user.login": UserLogin,
    "user.create": UserCreate,
    "user.update": UserUpdate,
    "user.delete": UserDelete,
    "user.password_change": UserPasswordChange,
    "mfa.add": MfaAdd,
    "reset_password_token.create": ResetPasswordTokenCreate,
    "cert.create": CertCreate,
    "lock.created": LockCreated,
    "lock.deleted": LockDeleted,
    "join_token.create": JoinTokenCreate,
    "join_token.delete": JoinTokenDelete,
    "instance.join": InstanceJoin,
    "role.created": RoleCreated,
    "role.updated": RoleUpdated,
    "role.deleted": RoleDeleted,
    "auth": AuthAttempt,
    "session.rejected": SessionRejected,
    "session.start": SessionStart,
    "session.attestation": SessionAttestation,
    "resize": Resize,
    "session.leave": SessionLeave,
    "session.end": SessionEnd,
    "session.data": SessionData,
    "session.upload": SessionUpload,
    "session.recording.access": SessionRecordingAccess,
    "subsystem": Subsystem,
    "exec": Exec,
    "scp": Scp,
    "sftp": Sftp,
    "sftp_summary": SftpSummary,
    "port": Port,
    "client.disconnect": ClientDisconnect,
    "session.command": SessionCommand,
    "session.disk": SessionDisk,
    "session.network": SessionNetwork,
    "session.outcome": SessionOutcome,
    "session.tamper": SessionTamper,
    "session.escape": SessionEscape,
    "session.loss": SessionLoss,
    "session.ledger": SessionLedger,
    "session.freeze": SessionFreeze,
    "audit.gap": AuditGap,
    "audit.retention": AuditRetention,
    "print": Print,
}
"""Event name to struct."""

SCP_CODES = {"download": ("T3004I", "T3004E"), "upload": ("T3005I", "T3005E")}
SCP_DISALLOWED = "T3010E"
SFTP_DISALLOWED = "TS020E"
PORT_CLOSED = "T3003S"
OPERATIONS = ("connect", "send", "accept", "listen", "socket")
"""Names of the values from 0 on."""

SFTP_ACTIONS = (
    "open",
    "close",
    "read",
    "write",
    "lstat",
    "fstat",
    "setstat",
    "fsetstat",
    "opendir",
    "readdir",
    "remove",
    "mkdir",
    "rmdir",
    "realpath",
    "stat",
    "rename",
    "readlink",
    "symlink",
    "link",
)
"""Names of the values from 1 on."""

SLOT_KEYS = ("cluster_name", "ei", "login", "server_hostname", "sid", "user")
"""The first key of each slot in lines of capture, in order."""
