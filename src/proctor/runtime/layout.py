# SPDX-License-Identifier: Apache-2.0
"""The data directory: every directory with its owner and mode, and the host's UUID."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from proctor.config.boot import ServiceBoot
from proctor.core.durable import replace_file
from proctor.core.errors import Corrupted, ProctorError
from proctor.runtime.ownership import repair_owners
from proctor.runtime.privileges.service_users import ROOT, ServiceUser, service_user

_ENTER = 0o711
_PRIVATE = 0o700


class LayoutError(ProctorError):
    """The data directory cannot be used."""


def prepare(data_dir: Path) -> str:
    """Create what is missing below ``data_dir`` and set owners and modes; the host's UUID.

    Raises LayoutError when that is not possible, Corrupted when ``host_uuid`` holds something else.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        top = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fchmod(top, _ENTER)
            for path, (account, mode) in _directories().items():
                _make(top, PurePosixPath(path), account, mode)
        finally:
            os.close(top)
        if os.geteuid() == 0:
            repair_owners(data_dir)
        return _host_uuid(data_dir / "host_uuid")
    except OSError as error:
        where = error.filename or data_dir
        raise LayoutError(
            f"data directory {data_dir}: {where}: {error.strerror}",
            hint="Choose another with teleport.data_dir, or start as root.",
        ) from None


def prepare_slot(boot: ServiceBoot) -> None:
    """Create the directories of a further slot of a service. Raises LayoutError."""
    account = ServiceUser(boot.uid, boot.gid)
    wanted = {boot.spool_dir: _PRIVATE}
    if boot.service == "node":
        wanted |= {
            boot.upload_dir.parent.parent: _ENTER,
            boot.upload_dir.parent: _ENTER,
            boot.upload_dir: _PRIVATE,
        }
    top = os.open(boot.data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path, mode in wanted.items():
            _make(top, PurePosixPath(path.relative_to(boot.data_dir)), account, mode)
    except OSError as error:
        raise LayoutError(f"directories of the {boot.service} service: {error.strerror}") from None
    finally:
        os.close(top)


def used_slots(data_dir: Path, service: str) -> list[int]:
    """Further slots of ``service`` in which something waits to be delivered, after a run was cut short."""
    paths = (data_dir / "spool").glob(f"{service}.*")
    return sorted(int(path.suffix[1:]) for path in paths if path.suffix[1:].isdigit() and any(path.iterdir()))


@contextlib.contextmanager
def locked(data_dir: Path, held: int = -1) -> Iterator[int]:
    """Keep other supervisors out of a prepared ``data_dir``; the descriptor that does.

    ``held``: one that does already. Raises LayoutError when another supervisor is there.
    """
    if held >= 0:
        yield held
        os.close(held)
        return
    descriptor = os.open(data_dir / "run/teleport.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 32).decode(errors="replace").strip()
            raise LayoutError(
                f"data directory {data_dir} is in use by another teleport (process {pid})",
                hint="Stop that one, or choose another directory with teleport.data_dir.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _directories() -> dict[str, tuple[ServiceUser, int]]:
    own = ROOT if os.geteuid() == 0 else ServiceUser(os.geteuid(), os.getegid())
    auth, node, proxy = service_user("auth"), service_user("node"), service_user("proxy")
    return {
        "backend": (auth, _PRIVATE),
        "proc": (own, _ENTER),
        "proc/auth": (auth, _PRIVATE),
        "proc/admin": (auth, _PRIVATE),
        "proc/proxy": (proxy, _PRIVATE),
        "proc/node": (node, _PRIVATE),
        "proc/trusted": (own, 0o755),
        "proc/host": (own, _PRIVATE),
        "spool": (own, _ENTER),
        "spool/auth": (auth, _PRIVATE),
        "spool/proxy": (proxy, _PRIVATE),
        "spool/node": (node, _PRIVATE),
        "log": (auth, _ENTER),
        "log/playbacks": (auth, _PRIVATE),
        "log/playbacks/sessions": (auth, _PRIVATE),
        "log/playbacks/sessions/default": (auth, _PRIVATE),
        "log/upload": (node, _ENTER),
        "log/upload/sessions": (node, _ENTER),
        "log/upload/sessions/default": (node, _PRIVATE),
        "run": (own, 0o755),
    }


def _make(top: int, path: PurePosixPath, account: ServiceUser, mode: int) -> None:
    """A directory below ``top``; parents belong to services, so no link on the way is followed."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    directory = os.dup(top)
    try:
        for part in path.parts:
            with contextlib.suppress(FileExistsError):  # whatever exists, open accepts a directory only
                os.mkdir(part, _PRIVATE, dir_fd=directory)
            inner = os.open(part, flags, dir_fd=directory)
            os.close(directory)
            directory = inner
        os.fchown(directory, account.uid, account.gid)
        os.fchmod(directory, mode)
    finally:
        os.close(directory)


def _host_uuid(path: Path) -> str:
    """The UUID in the file at ``path``, in the form in which everything else reads it there."""
    if not path.exists():
        replace_file(path, f"{uuid.uuid4()}\n".encode(), mode=0o644)
    text = path.read_text(errors="replace").strip()
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        raise Corrupted(
            f"{path} does not hold a UUID",
            hint="Restore it from a backup; on a host that may join as a new one, remove it.",
        ) from None
    if found != text:
        replace_file(path, f"{found}\n".encode(), mode=0o644)
    return found
