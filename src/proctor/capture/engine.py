# SPDX-License-Identifier: Apache-2.0
"""The engine: sessions in the kernel and in memory, records to events, the end of a session."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from proctor.capture.accounting import account, by_name, merged
from proctor.capture.control.freezer import FreezeInterval, Limits, Throttle
from proctor.capture.control.policies import NetworkPolicies
from proctor.capture.control.self_protection import SelfProtection
from proctor.capture.delegation.job_attribution import JobAttribution
from proctor.capture.digests import Digests
from proctor.capture.feed import RingReader
from proctor.capture.kernel import formatter
from proctor.capture.kernel.abi import RecordKind, Tally
from proctor.capture.kernel.filters import Rules
from proctor.capture.kernel.formatter import LineOwner, Part
from proctor.capture.kernel.loader import RingSizes
from proctor.capture.registry import CapturedSession, Phase, Registry
from proctor.capture.state.journal import Facts, Position
from proctor.capture.state.pins import Manifest
from proctor.capture.state.place import StateDirectory
from proctor.capture.state.takeover import Inherited
from proctor.captureproto import cgroup, event_lines
from proctor.captureproto.absence import AbsenceMarks, Mark
from proctor.captureproto.capture_messages import Drained, LossAccounting, RegisterSession
from proctor.captureproto.cgroup import CgroupTree, is_frozen, thaw
from proctor.captureproto.members import SessionProcesses
from proctor.config.schema import EnhancedRecording
from proctor.core.clock import Clock, format_time
from proctor.core.errors import ProctorError, Unavailable
from proctor.core.tasks import TaskSet, Threads
from proctor.model.events import SessionFreeze
from proctor.model.network import NetworkPolicy
from proctor.model.serde import to_builtins

_log = logging.getLogger(__name__)
_threads = Threads("strict-sessions", 1)
_BATCH_RECORDS = 4096
_BATCH_BYTES = 256 << 10
_BOOT_SAMPLES = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECHECK_SECONDS = 0.25
_BACKLOG_BYTES = 256 << 20

BATCH_MILLISECONDS = 25
"""Batching delay in milliseconds; a filling ring flushes early."""

LEAST_RINGS = RingSizes(command=1 << 20, disk=4 << 20, network=1 << 20)
"""What the fastest programs fill in 50 ms, for which a host may take a processor away from us."""


def rings_of(config: EnhancedRecording) -> RingSizes:
    """Sizes as the configuration file says, but large enough not to lose."""
    return RingSizes(*map(max, RingSizes.of(config), LEAST_RINGS))


class CaptureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``rings``: their sizes. ``cgroup_mount``: where the cgroup2 hierarchy is or is to be mounted.

    ``run``: the directory below which state is kept (``state.place``). ``tree``: below it are the sessions'
    cgroups. ``memory_limit``: bytes of unacknowledged messages kept per session. ``limits``: when strict
    sessions are held. ``rules``: what the kernel is asked for.
    """

    rings: RingSizes
    cgroup_mount: Path
    run: Path
    tree: Path | None = None
    memory_limit: int = 64 << 20
    limits: Limits = Limits()
    rules: Rules = Rules()

    @classmethod
    def of(cls, config: EnhancedRecording, run: Path, run_id: str) -> CaptureSettings:
        """As the configuration file says."""
        rings = rings_of(config)
        tree = CgroupTree(config.cgroup_path, config.root_path, run_id)
        rules = Rules.of(config)
        return cls(rings=rings, cgroup_mount=tree.mount, run=run, tree=tree.root, rules=rules)


class Capture:
    """Programs are attached while a session is open, and only then; ``on_news`` is called per message."""

    def __init__(
        self,
        inherited: Inherited,
        registry: Registry,
        settings: CaptureSettings,
        *,
        clock: Clock,
        on_news: Callable[[], None],
    ) -> None:
        programs = inherited.loaded.programs
        self.registry = registry
        self.guards = SelfProtection(programs)
        self._journal = registry.journal
        self._policies = NetworkPolicies(programs, self._journal)
        self._digests = Digests()
        self._delegations = JobAttribution(programs)
        self._programs = programs
        self._place = StateDirectory(settings.run)
        self._marks = AbsenceMarks(settings.run)
        self._settings = settings
        self._clock = clock
        self._on_news = on_news
        self._tasks = TaskSet("capture")
        facts = self._journal.fact(Facts) or Facts()
        self.undecoded, self._past = facts.undecoded, facts.past
        self._position = self._journal.fact(Position) or Position()
        self._strict: dict[str, CapturedSession] = {}
        self._blocks = inherited.blocks
        pump = programs.pump(self._blocks, limit=_BACKLOG_BYTES, batch_ms=BATCH_MILLISECONDS)
        self._feed = RingReader(pump, self._review)
        self._caught_up = not inherited.continued
        self._restore(continued=inherited.continued)

    def start(self) -> None:
        """Begin to read the rings; sessions that were held meanwhile go on when that is done."""
        self._feed.start()
        asyncio.get_running_loop().add_reader(self._delegations.notices.fileno(), self._take_jobs)
        self._tasks.spawn(self._take_records(), name="records", vital=True)
        if not self._caught_up:
            self._tasks.spawn(self._catch_up(), name="catching up")

    def _restore(self, *, continued: bool) -> None:
        """Go on with the sessions of a process that has ended, if they are."""
        live = self.registry.live()
        if continued:
            self._policies.restore(session.number for session in live)
            self._delegations.restore()
        for session in live:
            if session.phase is Phase.NEW:  # it never began: its monitor has had no answer
                self._discard(session)
                continue
            self._watch_again(session)
            if session.phase is Phase.DETACHED:
                self._tasks.spawn(self._finish(session), name=f"end of {session.sid}")
        for session in self.registry if continued else ():
            if session.phase is Phase.CLOSED:
                self._forget(session)
        if continued and not self.registry.live():
            self._detach()
        self.registry.commit()

    def _watch_again(self, session: CapturedSession) -> None:
        """As before; where that is not possible any more, a strict session ends."""
        try:
            session.cgroup.mkdir(parents=True, exist_ok=True)  # root can remove it when it has left it
            self.guards.add_cgroups(session.cgroup.parent.stat().st_ino)
            self._watch(session)
        except (OSError, ProctorError) as error:
            _log.error("session %s cannot be watched: %s", session.sid, error)
            if session.identity.strict:
                self._members(session).kill()

    def _members(self, session: CapturedSession) -> SessionProcesses:
        return SessionProcesses(session.number, session.cgroup, self._programs.members)

    def _watch(self, session: CapturedSession) -> None:
        """See when the cgroup is left, and be able to hold it. Raises OSError and Unavailable."""
        session.events_fd = os.open(session.cgroup / "cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
        self._feed.watch(session.events_fd, session.changed.set)
        if not session.identity.strict:
            thaw(session.cgroup)
            return
        session.brake = Throttle(
            session.cgroup, self._clock, self._settings.limits, lambda: self._held(session)
        )
        self._strict[session.sid] = session
        since = self._marks.held_since(session.sid)
        if since is not None or is_frozen(session.cgroup):
            session.brake.take_over(since or self._clock.now().timestamp())

    def _held(self, session: CapturedSession) -> None:
        """The cgroup of the session is frozen: so must be who has left it."""
        self._marks.begin(session.sid)
        self._members(session).bring_back()

    async def _catch_up(self) -> None:
        """Let strict sessions go on when all that was recorded meanwhile is in the journal."""
        await self._feed.barrier()
        self._caught_up = True
        for session in list(self._strict.values()):
            self._check(session, self._feed.backlog)

    async def stop(self) -> None:
        """End, and leave everything to the next process: sessions go on, strict ones are held until then.

        Without sessions nothing is left behind.
        """
        if self.registry.live():
            await _threads.run(self._marks.hold)
        await self._tasks.close()
        for session in self.registry:
            self._unwatch(session, leave=True)
        self._feed.stop()
        self._digests.close()
        asyncio.get_running_loop().remove_reader(self._delegations.notices.fileno())
        self._delegations.close()
        self._blocks.close()
        self.registry.commit()
        self._programs.release()
        idle = not any(True for _ in self.registry)
        self._journal.close()
        if idle:
            self._place.discard()

    def open(self, request: RegisterSession, pidfd: int) -> CapturedSession:
        """Record the process behind ``pidfd`` and all that it starts as a new session.

        Raises ProctorError when it cannot be; then nothing of it is left.
        """
        path = cgroup.below_mount(self._settings.cgroup_mount, request.cgroup, request.cgroup_id)
        kinds = frozenset(RecordKind[name.upper()] for name in request.kinds) | {RecordKind.TAMPER}
        session = self.registry.add(request.sid, path, request.cgroup_id, strict=request.strict)
        try:
            if not self._programs.attached:
                self._attach()
            self._save_facts()
            self.guards.add_cgroups(path.parent.stat().st_ino)
            if request.strict:
                self._marks.add(Mark(session.sid, session.number, str(path)))
            self._watch(session)
            self._policies.apply(session.number, request.network)
            self._programs.enrol(session.number, kinds, pidfd, request.cgroup_id)
            if _has_ended(pidfd):
                raise Unavailable("the session's process ended before it could be recorded")
            session.phase = Phase.OPEN
            self.registry.commit()
        except OSError as error:
            self._discard(session)
            raise Unavailable(f"the session cannot be recorded: {error}") from None
        except ProctorError:
            self._discard(session)
            raise
        return session

    def _attach(self) -> None:
        """Whoever takes over finds what is pinned by the manifest, so that is there last."""
        self._programs.attach(self._settings.cgroup_mount)
        self._programs.pin(self._place.pins(self._programs.manifest.generation))
        self._journal.set_fact(self._programs.manifest)
        self.registry.commit()
        self._delegations.watch()

    def _detach(self) -> None:
        self._journal.remove_fact(Manifest)
        self.registry.commit()
        self._programs.detach()

    def _save_facts(self) -> None:
        facts = Facts(last_number=self.registry.last_number, past=self._past, undecoded=self.undecoded)
        self._journal.set_fact(facts)
        self.registry.commit()

    def restrict(self, session: CapturedSession, policy: NetworkPolicy | None) -> None:
        """Apply ``policy`` to new connections of ``session``; raises ProctorError."""
        self._policies.apply(session.number, policy)

    async def close(self, session: CapturedSession) -> Drained:
        """The drain barrier: on return all events up to now are queued, and ``Drained`` behind them."""
        if session.drained is None and session.phase is not Phase.OPEN:  # asked of the process before
            return Drained(sid=session.sid, seq=session.seq, lost=self.lost(session))
        if session.drained is None:
            session.drained = self._tasks.spawn(self._drain(session), name=f"drain of {session.sid}")
        return await asyncio.shield(session.drained)

    async def _drain(self, session: CapturedSession) -> Drained:
        await self._feed.barrier()
        self._take_jobs()
        self._let_go(session)
        session.phase = Phase.DETACHED
        drained = session.put_drained(self.lost(session), account(session, self._tally(session)))
        self.registry.commit()
        self._on_news()
        self._tasks.spawn(self._finish(session), name=f"end of {session.sid}")
        return drained

    async def _finish(self, session: CapturedSession) -> None:
        """Wait until no process of the session is left, wherever it is, and say so."""
        while (populated := cgroup.is_populated(session.cgroup)) or self._has_left(session):
            session.changed.clear()
            notified = populated or (
                self._tally(session).tasks == 0 and self._delegations.has_file(session.number)
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if notified else _RECHECK_SECONDS):
                    await session.changed.wait()
        self._policies.forget(session.number)  # outcomes of connections are not reported beyond this
        await self._feed.barrier()
        self._let_go(session)
        lost, final = self.lost(session), account(session, self._tally(session))
        self._past = merged([self._past, final])
        session.phase = Phase.CLOSED
        session.put_closed(lost, final)
        self._save_facts()
        self._discard(session, forget=False)
        self._on_news()
        if not cgroup.remove(session.cgroup):
            _log.warning("cgroup %s is still in use", session.cgroup)

    def _take_jobs(self) -> None:
        """Jobs may have come, or be done: then sessions that only waited for them are over."""
        if self._delegations.refresh():
            for session in self.registry:
                session.changed.set()
        self._count_unattributed()

    def _count_unattributed(self) -> None:
        """Jobs that will not be known as their session's are commands that it has lost."""
        for number, count in self._delegations.take_unplaced().items():
            if (session := self.registry.numbered(number)) is not None:
                session.unattributed[RecordKind.COMMAND] += count
                session.put_events(b"", Counter(), self.lost(session))
                self._on_news()

    def _has_left(self, session: CapturedSession) -> bool:
        """Are there tasks of the session, or jobs for a daemon?"""
        return self._tally(session).tasks > 0 or self._delegations.pending(session.number)

    def lost(self, session: CapturedSession) -> dict[str, int]:
        """Events that neither the kernel nor we could keep, by kind; kinds without loss are left out."""
        counted = session.dropped + session.undecodable + session.unattributed
        counted.update(dict(zip(RecordKind, self._tally(session).lost, strict=False)))
        return by_name(counted)

    def acknowledge(self, sid: str, seq: int) -> bool:
        """The node has stored messages of ``sid``; returns whether nothing of it is known any more."""
        forgotten = self.registry.acknowledge(sid, seq)
        self.registry.commit()
        if (session := self._strict.get(sid)) is not None:
            self._check(session, self._feed.backlog)
        return forgotten

    def _review(self) -> None:
        """The shared backlog has changed: hold strict sessions, or let them go, as it demands."""
        shared = self._feed.backlog
        much = shared > self._settings.limits.shared.high
        for session in list(self._strict.values()):
            if much or (session.brake is not None and session.brake.held):
                self._check(session, shared)

    def _check(self, session: CapturedSession, shared: int) -> None:
        if session.brake is None or not self._caught_up:
            return
        if hold := session.brake.review(shared, session.backlog):
            self._report(session, hold)

    def _let_go(self, session: CapturedSession) -> None:
        """Add the freeze to the accounting; a session with processes left may be frozen again."""
        if session.brake is not None and (hold := session.brake.let_go()):
            self._report(session, hold)

    def _report(self, session: CapturedSession, hold: FreezeInterval) -> None:
        self._marks.let_go(session.sid)
        event = {
            "event": SessionFreeze.EVENT,
            "code": SessionFreeze.CODE,
            "uid": session.event_uid(),
            "time": format_time(hold.time),
            "milliseconds": hold.milliseconds,
            "backlog": hold.backlog,
        }
        session.put_events(event_lines.from_fields(event), Counter(), self.lost(session))
        self.registry.commit()
        self._on_news()

    def status(self) -> dict[str, Any]:
        """Counters for people and monitoring."""
        return {
            "attached": self._programs.attached,
            "programs": sorted(self._programs.sections),
            "sessions": {session.sid: session.phase.value for session in self.registry},
            "missed_runs": self._programs.missed_runs(),
            "undecoded": self.undecoded,
            "account": to_builtins(merged([self._past, *self._accounts()])),
        }

    def _accounts(self) -> Iterator[LossAccounting]:
        for session in self.registry.live():
            yield account(session, self._tally(session))

    def _tally(self, session: CapturedSession) -> Tally:
        try:
            return self._programs.tally(session.number)
        except KeyError:
            return Tally((), (), 0)

    def _unwatch(self, session: CapturedSession, *, leave: bool = False) -> None:
        """``leave``: a session that is held stays so."""
        if session.brake is not None and leave:
            session.brake.leave()
            del self._strict[session.sid]
        elif session.brake is not None:
            session.release_brake()
            self._marks.remove(session.sid)
            del self._strict[session.sid]
        if session.events_fd >= 0:
            self._feed.unwatch(session.events_fd)
            os.close(session.events_fd)
            session.events_fd = -1

    def _discard(self, session: CapturedSession, *, forget: bool = True) -> None:
        """Let go of what a session holds; the last one detaches the programs."""
        self._unwatch(session)
        self._forget(session)
        if forget:
            self.registry.remove(session)
        if self._programs.attached and all(other is session for other in self.registry.live()):
            self._detach()
        self.registry.commit()

    def _forget(self, session: CapturedSession) -> None:
        """Have the kernel know nothing of a session of which nothing is left."""
        self._programs.forget(session.number)
        self._delegations.forget(session.number)
        self._policies.forget(session.number)

    async def _take_records(self) -> None:
        while True:
            number, block = await self._feed.take()
            await self._publish(number, block)
            self._blocks.remove(number)

    async def _publish(self, number: int, block: bytes) -> None:
        """Turn a block of records into messages, giving way to others between them.

        How far it has got is durable together with the messages.
        """
        boot = min((self._boot_sample() for _ in range(_BOOT_SAMPLES)), key=lambda sample: sample[0])[1]
        digests = await self._digests.table(formatter.executables(block), boot)
        end = self._position.offset if self._position.number == number else 0
        while end < len(block):
            part = formatter.from_records(
                block,
                end,
                records=_BATCH_RECORDS,
                size=_BATCH_BYTES,
                boot=boot,
                find=self._owner,
                digests=digests,
            )
            end = part.end
            self._position = Position(number, end) if end < len(block) else Position(number + 1)
            self._journal.set_fact(self._position)
            self._queue(part)
            await asyncio.sleep(0)

    def _owner(self, number: int, delegation: int) -> LineOwner | None:
        session = self.registry.numbered(number)
        if session is None:
            return None
        return session.owner(delegation, self._delegations.key(number, delegation))

    def _queue(self, part: Part) -> None:
        if part.undecoded:
            self.undecoded += part.undecoded
            _log.error("%d records do not decode, the first: %s", part.undecoded, part.complaint)
        for batch in part.batches:
            if (session := self.registry.numbered(batch.session)) is not None:
                session.undecodable += batch.undecodable
                session.put_events(batch.lines, batch.kinds, self.lost(session), batch.delegation)
        self.registry.commit()
        for batch in part.batches:
            if (held := self.registry.numbered(batch.session)) is not None:
                self._check(held, self._feed.backlog)
        if part.batches:
            self._review()
            self._on_news()

    def _boot_sample(self) -> tuple[float, int]:
        """Measure the precision (seconds) and the zero (microseconds since 1970) of the monotonic clock."""
        before, now, after = self._clock.monotonic(), self._clock.now(), self._clock.monotonic()
        boot = now - timedelta(seconds=(before + after) / 2)
        return after - before, (boot - _EPOCH) // timedelta(microseconds=1)


def _has_ended(pidfd: int) -> bool:
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(0))
