"""Events of sessions that come from the kernel, and what became of them; see docs/audit-events.md."""

from __future__ import annotations

from typing import ClassVar

from proctor.model.events import SessionPart


class EnhancedPart(SessionPart):
    """What the kernel saw; ``process_uid``/``process_euid`` are specific to Proctor, ``uid`` is the event's.

    ``via``: how, when not by a system call of the process (``io_uring``). ``delegated``: a daemon
    (``daemon``) acted for the session, and what shows it (``evidence``). ``unresolved``: the event says what
    the process asked for, since no hook saw the result: the path as given, the other end not known.
    """

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


class SessionCommand(EnhancedPart):
    """A program was executed. ``argv`` is without argv[0]; ``args`` is the whole of it (ours).

    ``exe_state``: ``memfd`` or ``deleted`` when ``exe`` has no name in a file system, ``detached`` when its
    path begins at a mount that is not in the process's mount namespace, ``linker`` when it is the dynamic
    linker, which got the program to run in ``args``. ``exe_device`` (MAJOR:MINOR), ``exe_inode``,
    ``exe_mount_id``: which file it is, when its path begins at such a mount; ``cwd_state`` is ``detached``
    when that of ``cwd`` does. ``loader``: the interpreter of the ELF file (``PT_INTERP``) that was mapped.
    ``sha256``: of ``exe``, hexadecimal, or in ``sha256_missing`` why there is none: the file was ``gone``
    or ``changed`` before it could be read, may have been as it was written to just before (``recent``), is
    too large (``size``), or was not read in time (``late``).
    """

    EVENT, CODE = "session.command", "T4000I"
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


class SessionDisk(EnhancedPart):
    """A file was opened; ``return_code`` is the descriptor or a negative errno.

    ``path_state``: ``detached`` when the path begins at a mount that is not in the process's mount namespace;
    then ``device`` (MAJOR:MINOR), ``inode`` and ``mount_id`` say which file it is.
    """

    EVENT, CODE = "session.disk", "T4001I"
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "server_id",
        "path",
        "flags",
        "return_code",
        "cgroup_id",
        "pid",
        "program",
    )

    path: str = ""
    path_state: str = ""
    device: str = ""
    inode: int = 0
    mount_id: int = 0
    flags: int = 0
    return_code: int = 0


class SessionNetwork(EnhancedPart):
    """A connection, or a means of making some; ``action`` is 1 when the session's policy denied it.

    ``operation``: 0 connect, 1 send a datagram, 2 accept, 3 listen, 4 make a socket whose packets pass no
    check of addresses (``version`` 0, and no addresses, where it has none).
    """

    EVENT, CODE = "session.network", "T4002I"
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "server_id", "action", "operation", "src_addr", "dst_addr", "dst_port", "version",
        "cgroup_id", "pid", "program",
    )  # fmt: skip

    src_addr: str = ""
    dst_addr: str = ""
    dst_port: int = 0
    version: int = 4
    operation: int = 0
    action: int = 0
    src_port: int = 0
    protocol: str = ""
    return_code: int = 0


class SessionOutcome(EnhancedPart):
    """What became of a connection that was begun without waiting for it; specific to Proctor.

    The fields are those of the ``session.network`` with which it began; ``return_code`` is the outcome: 0,
    or a negative errno; -103 when the program gave it up.
    """

    EVENT, CODE = "session.outcome", "TP4907I"
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "server_id", "src_addr", "dst_addr", "dst_port", "version", "return_code", "pid", "program",
    )  # fmt: skip

    src_addr: str = ""
    dst_addr: str = ""
    dst_port: int = 0
    version: int = 4
    action: int = 0
    src_port: int = 0
    protocol: str = ""
    return_code: int = 0


class SessionTamper(EnhancedPart):
    """Something was done that can blind or mislead the record, or was tried; specific to Proctor.

    ``technique``: which (``ptrace``, ``bpf``, ``module``, ...). ``target_pid``, ``target``: the process
    that it was done to. ``detail``: what else is known.
    """

    EVENT, CODE = "session.tamper", "TP4903W"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "technique", "return_code", "pid", "program")

    technique: str = ""
    target_pid: int = 0
    target: str = ""
    detail: str = ""
    return_code: int = 0


class SessionEscape(EnhancedPart):
    """A process left its session's cgroup, and is recorded still; specific to Proctor.

    ``cgroup``: where it went. ``by_pid``: the process that moved it.
    """

    EVENT, CODE = "session.escape", "TP4904W"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "pid", "program", "cgroup")

    cgroup: str = ""
    by_pid: int = 0


class SessionLoss(SessionPart):
    """Kernel events of this session that could not be recorded, by kind; specific to Proctor."""

    EVENT, CODE = "session.loss", "TP4900W"

    lost: dict[str, int] = {}
    reason: str = ""


class SessionLedger(SessionPart):
    """The account of a session's kernel events, by kind; specific to Proctor, before ``session.end``.

    ``started``: attempts, counted where the kernel programs know them first. ``unfinished``: those of them
    that had not ended, of which there is no record. ``submitted``: records made. ``stored``: in the record.
    ``filtered``: left out by the rule of noise reduction. ``lost``: by stage (docs/capture.md), then by
    kind. For each kind *started = stored + filtered + lost + unfinished*. ``frozen_ms``: for how long the
    session was held so that nothing was lost.
    """

    EVENT, CODE = "session.ledger", "TP4905I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "submitted", "stored")

    started: dict[str, int] = {}
    unfinished: dict[str, int] = {}
    submitted: dict[str, int] = {}
    stored: dict[str, int] = {}
    filtered: dict[str, int] = {}
    lost: dict[str, dict[str, int]] = {}
    freezes: int = 0
    frozen_ms: int = 0


class SessionFreeze(SessionPart):
    """A strict session was held until capture had caught up; specific to Proctor.

    ``backlog``: bytes that waited.
    """

    EVENT, CODE = "session.freeze", "TP4906I"
    ALWAYS: ClassVar[tuple[str, ...]] = ("server_id", "milliseconds")

    milliseconds: int = 0
    backlog: int = 0
