# SPDX-License-Identifier: Apache-2.0
"""Whose sessions are, on disk: processes that outlive a session may outlive the node process as well."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Set
from pathlib import Path

import msgspec

from proctor.core.errors import Corrupted
from proctor.model.identity import UserIdentity
from proctor.model.serde import from_json, to_json
from proctor.node.record.recorder import Context, NodeFacts

_log = logging.getLogger(__name__)


class _Saved(msgspec.Struct, frozen=True):
    user: str
    roles: list[str]
    login: str
    local: str
    remote: str


class Contexts:
    """One small file for each captured session in ``directory``, which all node processes share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, context: Context) -> None:
        """Keep ``context`` until ``forget``; what cannot be kept is logged."""
        user = context.user
        saved = _Saved(
            user=user.username if user else "",
            roles=list(user.roles) if user else [],
            login=context.login,
            local=context.local,
            remote=context.remote,
        )
        try:
            self._directory.mkdir(exist_ok=True, mode=0o700)
            self._path(context.sid).write_bytes(to_json(saved))
        except OSError as error:
            _log.error("whose session %s is cannot be kept: %s", context.sid, error.strerror)

    def load(self, sid: str, node: NodeFacts) -> Context | None:
        """The context of ``sid``; None when it is not known."""
        try:
            saved = from_json(self._path(sid).read_bytes(), _Saved)
        except (OSError, Corrupted):
            return None
        user = UserIdentity(username=saved.user, roles=tuple(saved.roles), logins=())
        return Context(
            node=node, user=user, login=saved.login, local=saved.local, remote=saved.remote, sid=sid
        )

    def forget(self, sid: str) -> None:
        """Nothing of ``sid`` follows."""
        with contextlib.suppress(OSError):
            self._path(sid).unlink()

    def keep_only(self, sids: Set[str]) -> None:
        """Forget all sessions but ``sids``."""
        for path in self._directory.glob("*.json"):
            if path.stem not in sids:
                self.forget(path.stem)

    def _path(self, sid: str) -> Path:
        return self._directory / f"{sid}.json"
