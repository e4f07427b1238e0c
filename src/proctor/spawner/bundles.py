# SPDX-License-Identifier: Apache-2.0
"""The access bundle in force on this host, verified before it is kept where only root writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from proctor.core.clock import Clock
from proctor.core.durable import replace_file
from proctor.core.errors import AccessDenied, Corrupted, Unavailable
from proctor.model.bundle import NAMESPACE, AccessBundle, read_bundle
from proctor.model.serde import from_json
from proctor.sshkit import sshsig


class BundleStore:
    """One file; processes that share it see what any of them has stored.

    ``trusted`` returns the public key lines of the user CAs, one of which certified the key that signed.
    """

    def __init__(self, path: Path, host_id: str, trusted: Callable[[], Sequence[str]], clock: Clock) -> None:
        self._path = path
        self._host_id = host_id
        self._trusted = trusted
        self._clock = clock
        self._read: tuple[int, int] | None = None
        self._content = b""
        self._bundle: AccessBundle | None = None

    def store(self, content: bytes, signature: bytes) -> None:
        """Keep a bundle that the auth service signed for this host, unless a newer one is kept.

        Raises Unauthenticated, AccessDenied or Corrupted with the reason, OSError when the disk is full.
        """
        now = self._clock.now()
        sshsig.verify(signature, NAMESPACE, content, self._trusted(), now)
        bundle = read_bundle(content, self._host_id, now)
        bundle.check_current(now)
        self._refresh()
        if self._bundle is not None and bundle.sequence < self._bundle.sequence:
            raise AccessDenied(f"the access bundle of {bundle.issued} is older than the one in force")
        replace_file(self._path, content)

    def content(self) -> bytes:
        """The bundle that is kept, as it was signed; empty when there is none."""
        self._refresh()
        return self._content

    def current(self) -> AccessBundle:
        """The bundle in force; raises Unavailable when there was none yet, AccessDenied when it expired."""
        self._refresh()
        if self._bundle is None:
            raise Unavailable("this node has not heard from the auth service yet what roles allow")
        self._bundle.check_current(self._clock.now())
        return self._bundle

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
            if (status.st_ino, status.st_mtime_ns) == self._read:
                return
            self._content = self._path.read_bytes()
        except FileNotFoundError:
            self._read, self._content, self._bundle = None, b"", None
            return
        try:
            self._bundle = from_json(self._content, AccessBundle)
        except Corrupted as error:
            raise Unavailable(f"{self._path} is damaged: {error}", hint="Remove it.") from None
        self._read = (status.st_ino, status.st_mtime_ns)
