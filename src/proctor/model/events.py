"""Audit events: one struct per event, JSON names literal (dots of ``addr.local`` become ``_`` here).

Shapes follow Teleport's event catalogue, see docs/audit-events.md. ``ei``, ``event``, ``uid``,
``code``, ``time`` and ``cluster_name`` are in every event; other fields are left out when empty,
except ``success``, ``server_id`` and those a struct lists in ``ALWAYS``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

NAMESPACE = "default"
SESSION_DATA_INDEX = 2**31 - 2
SESSION_UPLOAD_INDEX = 2**31 - 1

_DOTTED = {"addr_local": "addr.local", "addr_remote": "addr.remote"}


def _json_name(field: str) -> str:
    return _DOTTED.get(field, field)


class Event(msgspec.Struct, kw_only=True, omit_defaults=True, rename=_json_name):
    """Fields of every event. Emitters fill ``uid``, ``time`` and ``cluster_name`` when empty."""

    EVENT: ClassVar[str] = ""
    CODE: ClassVar[str] = ""
    FAILURE_CODE: ClassVar[str] = ""
    ALWAYS: ClassVar[tuple[str, ...]] = ()

    code: str = ""
    ei: int = 0
    uid: str = ""
    time: str = ""
    cluster_name: str = ""

    def failed(self) -> bool:
        """Does this event report a failure, and so carry FAILURE_CODE?"""
        return getattr(self, "success", True) is False or bool(getattr(self, "exitError", ""))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, keys sorted, code chosen, mandatory fields present."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        fields["event"] = self.EVENT
        code = self.FAILURE_CODE if self.FAILURE_CODE and self.failed() else self.CODE
        fields["code"] = self.code or code
        for name in ("ei", "uid", "time", "cluster_name", *self.ALWAYS):
            fields.setdefault(_json_name(name), getattr(self, name))
        return dict(sorted(fields.items()))


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

    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id",)

    namespace: str = ""
    sid: str = ""
    server_id: str = ""
    server_hostname: str = ""
    server_addr: str = ""
    server_labels: dict[str, str] = {}
    server_version: str = ""


class ConnectedPart(SessionPart):
    """A session event with both ends of the SSH connection."""

    addr_local: str = ""
    addr_remote: str = ""
    proto: str = ""


class UserLogin(UserPart):
    """A person logged in, or failed to; ``attempts``: for how many failures of a flood it stands."""

    EVENT, CODE, FAILURE_CODE = "user.login", "T1000I", "T1000W"
    ALWAYS: ClassVar[tuple[str, ...]] = ("success",)

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

    EVENT, CODE = "user.create", "T1002I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)

    roles: list[str] = []
    connector: str = "local"


class UserUpdate(UserCreate):
    """A user was changed."""

    EVENT, CODE = "user.update", "T1003I"


class UserDelete(ResourcePart):
    """A user was removed."""

    EVENT, CODE = "user.delete", "T1004I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)


class UserPasswordChange(UserPart):
    """A person set a password."""

    EVENT, CODE = "user.password_change", "T1005I"


class MfaAdd(UserPart):
    """A second factor was registered."""

    EVENT, CODE = "mfa.add", "T1006I"

    mfa_device_name: str = ""
    mfa_device_uuid: str = ""
    mfa_device_type: str = ""


class MfaDelete(MfaAdd):
    """A second factor was removed."""

    EVENT, CODE = "mfa.delete", "T1007I"


class ResetPasswordTokenCreate(ResourcePart):
    """A one-time invite or reset link was made."""

    EVENT, CODE = "reset_password_token.create", "T6000I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)


class CertCreate(Event):
    """A certificate was issued to a person, or to a host; ``serial`` is a decimal number."""

    EVENT, CODE = "cert.create", "TC000I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("cert_type",)

    cert_type: str = "user"
    serial: str = ""
    identity: dict[str, Any] = {}


class JoinTokenCreate(ResourcePart):
    """A join token was made; ``name`` is masked."""

    EVENT, CODE = "join_token.create", "TJT00I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)

    roles: list[str] = []
    join_method: str = "token"


class JoinTokenDelete(ResourcePart):
    """A join token was revoked; specific to Proctor."""

    EVENT, CODE = "join_token.delete", "TPJT01I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)


class InstanceJoin(Event):
    """A host joined the cluster, or was refused; ``attempts``: for how many refusals of a flood it stands."""

    EVENT, CODE, FAILURE_CODE = "instance.join", "TJ002I", "TJ002E"
    ALWAYS: ClassVar[tuple[str, ...]] = ("success",)

    success: bool = True
    error: str = ""
    host_id: str = ""
    node_name: str = ""
    role: str = ""
    method: str = "token"
    token_name: str = ""
    addr_remote: str = ""
    attempts: int = 0


class LockCreated(ResourcePart):
    """A lock was put in force."""

    EVENT, CODE = "lock.created", "TLK00I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)

    target: dict[str, str] = {}
    message: str = ""


class LockDeleted(ResourcePart):
    """A lock was lifted."""

    EVENT, CODE = "lock.deleted", "TLK01I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)

    target: dict[str, str] = {}


class RoleCreated(ResourcePart):
    """A role was created."""

    EVENT, CODE = "role.created", "T9000I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)


class RoleDeleted(ResourcePart):
    """A role was removed."""

    EVENT, CODE = "role.deleted", "T9001I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)


class RoleUpdated(ResourcePart):
    """A role was changed."""

    EVENT, CODE = "role.updated", "T9002I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("expires",)


class AuthAttempt(ConnectedPart):
    """An SSH login was refused; ``error`` says why, ``attempts`` for how many of a flood it stands."""

    EVENT, CODE = "auth", "T3007W"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "success")

    success: bool = False
    error: str = ""
    message: str = ""
    attempts: int = 0


class SessionRejected(ConnectedPart):
    """A session was refused although the login was accepted."""

    EVENT, CODE = "session.rejected", "T1006W"

    reason: str = ""
    max: int = 0


class SessionStart(ConnectedPart):
    """A session began; ``size`` is ``columns:rows``."""

    EVENT, CODE = "session.start", "T2000I"

    size: str = ""
    initial_command: list[str] = []
    session_recording: str = ""


class SessionJoin(ConnectedPart):
    """Somebody entered a running session."""

    EVENT, CODE = "session.join", "T2001I"


class Resize(ConnectedPart):
    """The terminal changed its size."""

    EVENT, CODE = "resize", "T2002I"

    size: str = ""


class SessionLeave(SessionPart):
    """Somebody left a session."""

    EVENT, CODE = "session.leave", "T2003I"


class SessionEnd(ConnectedPart):
    """A session ended. ``reason``: why, when neither its program nor its client has ended it (ours)."""

    EVENT, CODE = "session.end", "T2004I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "enhanced_recording", "interactive", "participants")

    enhanced_recording: bool = False
    interactive: bool = False
    participants: list[str] = []
    session_start: str = ""
    session_stop: str = ""
    initial_command: list[str] = []
    session_recording: str = ""
    reason: str = ""


class SessionUpload(Event):
    """A recording is complete in the archive."""

    EVENT, CODE = "session.upload", "T2005I"

    ei: int = SESSION_UPLOAD_INDEX
    sid: str = ""
    url: str = ""


class SessionData(ConnectedPart):
    """Bytes that the connection of a session carried: ``tx`` to the client, ``rx`` from it."""

    EVENT, CODE = "session.data", "T2006I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "tx", "rx")

    ei: int = SESSION_DATA_INDEX
    tx: int = 0
    rx: int = 0


class SessionRecordingAccess(UserPart):
    """Somebody read a recording."""

    EVENT, CODE = "session.recording.access", "T2012I"

    sid: str = ""
    format: str = ""


class Subsystem(ConnectedPart):
    """An SSH subsystem was asked for."""

    EVENT, CODE, FAILURE_CODE = "subsystem", "T3001I", "T3001E"

    name: str = ""
    exitError: str = ""


class Exec(ConnectedPart):
    """A command was run without a shell session; ``exitCode`` is a string."""

    EVENT, CODE, FAILURE_CODE = "exec", "T3002I", "T3002E"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "exitCode")

    command: str = ""
    exitCode: str = "0"
    exitError: str = ""


class Scp(Exec):
    """A file was copied with the old scp protocol; see SCP_CODES."""

    EVENT, CODE, FAILURE_CODE = "scp", "T3004I", "T3004E"

    path: str = ""
    action: Literal["download", "upload"] = "download"


SCP_CODES = {"download": ("T3004I", "T3004E"), "upload": ("T3005I", "T3005E")}
SCP_DISALLOWED = "T3010E"

SFTP_ACTIONS = [
    "open", "close", "read", "write", "lstat", "fstat", "setstat", "fsetstat", "opendir", "readdir",
    "remove", "mkdir", "rmdir", "realpath", "stat", "rename", "readlink", "symlink", "link",
]  # fmt: skip
SFTP_DISALLOWED = "TS020E"


def sftp_code(action: int, *, failed: bool) -> str:
    """``TS001I`` for a successful open (action 1) and so on, actions counted from 1."""
    return f"TS{action:03d}{'E' if failed else 'I'}"


class Sftp(ConnectedPart):
    """One file operation; ``action`` is 1-based in SFTP_ACTIONS, the emitter sets ``code``."""

    EVENT, CODE = "sftp", "TS001I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "action")

    working_directory: str = ""
    path: str = ""
    target_path: str = ""
    flags: int = 0
    attributes: dict[str, Any] = {}
    action: int = 1
    error: str = ""


class SftpSummary(ConnectedPart):
    """What a file transfer moved in all."""

    EVENT, CODE = "sftp_summary", "TS021I"

    file_transfer_stats: list[dict[str, Any]] = []


class Port(ConnectedPart):
    """A TCP forward was opened, refused (error) or closed (code T3003S)."""

    EVENT, CODE, FAILURE_CODE = "port", "T3003I", "T3003E"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "success")

    success: bool = True
    error: str = ""
    addr: str = ""


class ClientDisconnect(ConnectedPart):
    """The server cut a connection; ``reason`` says why."""

    EVENT, CODE = "client.disconnect", "T3006I"

    reason: str = ""


class AuditGap(Event):
    """Events that a source announced or held and that are not in the log; specific to Proctor."""

    EVENT, CODE = "audit.gap", "TP4901W"
    ALWAYS: ClassVar[tuple[str, ...]] = ("lost", "source")

    source: str = ""
    lost: int = 0
    reason: str = ""


class AuditRetention(Event):
    """Days of the audit log and recordings removed since their retention was over; specific to Proctor.

    ``events``, ``recordings`` and ``bytes`` (on the disk) are counts. ``days``: dates of the days removed.
    ``first`` and ``last``: range of these dates and of the times at which the recordings were completed.
    """

    EVENT, CODE = "audit.retention", "TP4908I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("bytes", "events", "recordings")

    days: list[str] = []
    events: int = 0
    recordings: int = 0
    bytes: int = 0
    first: str = ""
    last: str = ""


class Print(Event):
    """A piece of terminal output, in recordings only; the bytes are in the chunks file."""

    EVENT, CODE = "print", ""
    ALWAYS: ClassVar[tuple[str, ...]] = ("ci", "bytes", "ms", "offset")

    ci: int = 0
    bytes: int = 0
    ms: int = 0
    offset: int = 0
