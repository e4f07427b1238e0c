# SPDX-License-Identifier: Apache-2.0
"""Sessions that a previous run of the node left without an end."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from proctor.audit.spool import Spool
from proctor.core.tasks import TaskSet, WorkQueue
from proctor.model.identity import UserIdentity
from proctor.node import timeouts
from proctor.node.record.capture import CaptureSubscription
from proctor.node.record.contexts import Contexts
from proctor.node.record.recorder import Context, NodeFacts, Recorder
from proctor.recording.writer import Interrupted

_log = logging.getLogger(__name__)


class Recovery:
    """Ends ``interrupted`` recordings once capture has reported what it kept of them."""

    def __init__(
        self,
        interrupted: Sequence[Interrupted],
        facts: NodeFacts,
        spool: Spool,
        contexts: Contexts,
        queue: WorkQueue,
    ) -> None:
        self._queue = queue
        self._contexts = contexts
        self._facts = facts
        self._spool = spool
        self._interrupted = {found.sid: found for found in interrupted}

    def recorder(self, sid: str) -> Recorder:
        """For events of ``sid``; those of a session without an open recording go to the audit log only.

        Reads the disk.
        """
        found = self._interrupted.get(sid)
        if found is None and (kept := self._contexts.load(sid, self._facts)) is not None:
            return Recorder(kept, None, self._spool, strict=False, failed=_log.error)
        start: Mapping[str, Any] = found.start if found else {}
        user = UserIdentity(username=str(start.get("user", "")), roles=(), logins=())
        context = Context(
            node=self._facts,
            user=user,
            login=str(start.get("login", "")),
            local=str(start.get("addr.local", "")),
            remote=str(start.get("addr.remote", "")),
            sid=sid,
        )
        writer = found.writer if found else None
        return Recorder(context, writer, self._spool, strict=False, failed=_log.error)

    def start(self, feed: CaptureSubscription | None, tasks: TaskSet) -> None:
        """End every interrupted recording, in the background."""
        for found in self._interrupted.values():
            recorder = self.recorder(found.sid)
            if feed is not None:
                feed.attach(found.sid, recorder)
            tasks.spawn(self._finish(found, recorder, feed), name=f"recover {found.sid}")

    async def _finish(self, found: Interrupted, recorder: Recorder, feed: CaptureSubscription | None) -> None:
        if feed is not None:
            await feed.subscribed.wait()
            await feed.drained(found.sid, timeouts.RECOVERY_DRAIN)
        if not found.ended:
            await self._queue.run(recorder.write_last, found.session_end())
        await recorder.finish(self._queue.run)
        _log.info("session %s of a previous run was ended", found.sid)
