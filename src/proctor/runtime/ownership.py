# SPDX-License-Identifier: Apache-2.0
"""Owners of what a data directory holds, after it was restored or copied by somebody else, or moved."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from proctor.runtime.privileges.service_users import ServiceUser, service_user

SAMPLE = 50
"""Entries of a directory that are looked at to find out whether anything needs repair."""

_DEEPEST = 8
"""Levels below a service's directory; that service may have made more than a path can name."""

_CHANGED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_log = logging.getLogger(__name__)


def repair_owners(data_dir: Path) -> int:
    """Give services what is theirs below ``data_dir``; how many files and directories were not.

    Only as root. Services may be at work, when a supervisor has executed itself: files come and go. Links
    are not followed; files with further names, sockets and the like are left alone: the directories belong
    to services, which may have put them there.
    """
    count, data_dir = 0, data_dir.resolve()
    for path, account in _trees(data_dir):
        if any(True for _ in _foreign(path, account, SAMPLE)):
            count += sum(_give(each, account) for each in _foreign(path, account, None))
    if count:
        _log.warning("%d files of %s had other owners than the services that use them", count, data_dir)
    return count


def _trees(data_dir: Path) -> Iterator[tuple[Path, ServiceUser]]:
    auth, proxy, node = service_user("auth"), service_user("proxy"), service_user("node")
    log = data_dir / "log"
    for name in ("backend", "proc/auth", "proc/admin", "spool/auth", "log/playbacks"):
        yield data_dir / name, auth
    for path in log.iterdir():
        if path.name.startswith("upload"):
            yield path / "sessions/default", node
        elif path.name != "playbacks":
            yield path, auth
    for service, account in (("proxy", proxy), ("node", node)):
        yield data_dir / "proc" / service, account
        for path in (data_dir / "spool").glob(f"{service}*"):
            yield path, account


def _foreign(path: Path, account: ServiceUser, sample: int | None, depth: int = 0) -> Iterator[Path]:
    """Files and directories at and below ``path`` of others; of each directory the first ``sample``."""
    with suppress(FileNotFoundError, NotADirectoryError):  # removed or replaced just now
        status = os.lstat(path)
        ours = stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)  # a socket cannot be opened
        if ours and (status.st_uid, status.st_gid) != account:
            yield path
        if stat.S_ISDIR(status.st_mode) and depth < _DEEPEST:
            with os.scandir(path) as entries:
                for entry in itertools.islice(entries, sample):
                    yield from _foreign(Path(entry.path), account, sample, depth + 1)


def _give(path: Path, account: ServiceUser) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _CHANGED:
            return False
        raise
    try:
        if os.readlink(f"/proc/self/fd/{descriptor}") != str(path):
            return False  # a directory on the way became a link
        status = os.fstat(descriptor)
        if not (stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1)):
            return False
        os.fchown(descriptor, account.uid, account.gid)
        return True
    finally:
        os.close(descriptor)
