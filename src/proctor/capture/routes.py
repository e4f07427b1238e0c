# SPDX-License-Identifier: Apache-2.0
"""Routing of messages of sessions to subscribers.

There is one *main* subscriber, the node that takes new connections; nodes that were replaced by it go on
with the sessions they have. Owners are the names under which they subscribe.
"""

from __future__ import annotations

from collections.abc import Iterable

from proctor.core.errors import LimitExceeded

MAX_CLAIMED = 1 << 16
"""Sessions that are claimed at one time, of which capture need not have heard: the node only says so."""


class Routes:
    """``restored``: sessions of an earlier capture process, whose owners have yet to claim them."""

    def __init__(self, restored: Iterable[str] = ()) -> None:
        self._unclaimed = set(restored)
        self._owners: dict[str, str] = {}
        self._main = ""

    def subscribe(self, owner: str, *, main: bool, sids: Iterable[str], known: Iterable[str]) -> None:
        """``owner`` has (re)connected and has ``sids``; ``known``: all sessions.

        Unclaimed sessions stay with the former main subscriber.
        """
        for sid in sids:
            self.claim(sid, owner)
        if main and owner != self._main:
            if self._main:
                for sid in set(known) - self._owners.keys() - self._unclaimed:
                    self._owners[sid] = self._main
            self._main = owner

    def claim(self, sid: str, owner: str) -> None:
        """``owner`` announces a session, or has one from before. Raises LimitExceeded."""
        if len(self._owners) >= MAX_CLAIMED and sid not in self._owners:
            raise LimitExceeded(f"{MAX_CLAIMED} sessions are claimed, and more are not possible")
        self._unclaimed.discard(sid)
        self._owners[sid] = owner

    def leave(self, owner: str) -> list[str]:
        """``owner`` will not come back: its sessions are the main subscriber's, and returned.

        The main subscriber may leave before its successor has come.
        """
        if owner == self._main:
            self._main = ""
        left = [sid for sid, found in self._owners.items() if found == owner]
        for sid in left:
            del self._owners[sid]
        return left

    def give_up_waiting(self) -> list[str]:
        """Assign the sessions that are still unclaimed to the main subscriber; returns them."""
        left, self._unclaimed = list(self._unclaimed), set()
        return left

    def owner(self, sid: str) -> str | None:
        """Return the receiver of messages of ``sid``; None while that is not known."""
        return None if sid in self._unclaimed else self._owners.get(sid, self._main)

    def forget(self, sid: str) -> None:
        """Nothing of ``sid`` follows."""
        self._owners.pop(sid, None)
