# SPDX-License-Identifier: Apache-2.0
"""Takes over, migrates or abandons the state that another capture process has left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from proctor.capture.kernel import object_selection
from proctor.capture.kernel.kernel_features import named
from proctor.capture.kernel.loader import fits, object_digest
from proctor.capture.kernel.object_selection import LoadedPrograms
from proctor.capture.registry import CapturedSession, Phase, Registry
from proctor.capture.state.blocks import Blocks
from proctor.capture.state.journal import Facts, Position
from proctor.capture.state.pins import Manifest, close
from proctor.capture.state.place import StateDirectory
from proctor.captureproto.absence import AbsenceMarks
from proctor.captureproto.members import SessionProcesses
from proctor.core.errors import ProctorError, Unavailable

_CHANGED = "capture was replaced by a version that cannot go on with what the kernel has of this session"
_GONE = "what the kernel had of this session is gone"
_log = logging.getLogger(__name__)


class Inherited(NamedTuple):
    """Start state of capture; ``continued``: programs are attached for sessions in the journal."""

    loaded: LoadedPrograms
    blocks: Blocks
    continued: bool


class Takeover:
    """Of one agent's state, at its start; ``load`` loads programs for no session yet."""

    def __init__(
        self, run: Path, registry: Registry, load: Callable[[], LoadedPrograms], cgroup_mount: Path
    ) -> None:
        self._place = StateDirectory(run)
        self._marks = AbsenceMarks(run)
        self._registry = registry
        self._journal = registry.journal
        self._load = load
        self._mount = cgroup_mount

    def run(self) -> Inherited:
        """Raises OSError and Unavailable when programs cannot be loaded."""
        facts = self._journal.fact(Facts) or Facts()
        self._registry.restore(facts.last_number)
        loaded = self._continue()
        self._place.keep_only(loaded.programs.manifest.generation if loaded else None)
        continued = loaded is not None
        position = self._journal.fact(Position) or Position()
        blocks = Blocks(self._place.files / "blocks", position.number)
        if loaded is None:
            blocks.clear()  # of rings that are gone
            position = Position(position.number)
            loaded = self._load()
        self._journal.set_fact(position)
        self._registry.commit()
        return Inherited(loaded, blocks, continued)

    def _continue(self) -> LoadedPrograms | None:
        """The programs that are attached for sessions; None when there are none, or none that can be used."""
        manifest = self._journal.fact(Manifest)
        if manifest is None:
            self._give_up("")
            return None
        try:
            return self._taken(manifest)
        except (OSError, ProctorError) as error:
            _log.error("sessions cannot be continued: %s", error)
            self._give_up(_CHANGED if isinstance(error, Unavailable) else _GONE)
            return None

    def _taken(self, manifest: Manifest) -> LoadedPrograms:
        try:
            variant = named(manifest.variant)
        except KeyError:
            raise Unavailable("the programs are of a variant that this version does not have") from None
        if manifest.object == object_digest(variant):
            return object_selection.take_over(manifest, self._place.pins(manifest.generation))
        if not fits(manifest, variant):
            raise Unavailable("the programs are of a version whose maps and records are others")
        return self._exchanged(manifest)

    def _exchanged(self, manifest: Manifest) -> LoadedPrograms:
        """Programs of this version for the maps of the other; sessions are frozen meanwhile."""
        pins = self._place.pins(manifest.generation)
        before = pins.open()
        loaded = object_selection.reload(manifest, before.maps)
        held = self._registry.live()
        for session in held:
            self._members(session).hold()
        loaded.programs.attach(self._mount)
        loaded.programs.pin(self._place.pins(manifest.generation + 1))
        self._journal.set_fact(loaded.programs.manifest)
        self._journal.commit()  # whoever takes over from here on finds the new ones
        pins.remove()
        close(before)
        _log.info("programs of another version were replaced, for %d sessions", len(held))
        return loaded

    def _give_up(self, reason: str) -> None:
        """End all sessions, for ``reason``; what they have had before is kept for the node."""
        for session in self._registry.live():
            if session.phase is Phase.NEW:
                self._registry.remove(session)
                continue
            if session.identity.strict:
                self._members(session).kill()
            session.phase = Phase.CLOSED
            session.put_closed({}, reason=reason or _GONE)
            self._marks.remove(session.sid)
        self._journal.remove_fact(Manifest)
        self._registry.commit()

    def _members(self, session: CapturedSession) -> SessionProcesses:
        return self._marks.members(session.number, session.cgroup)
