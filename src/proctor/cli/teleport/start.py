# SPDX-License-Identifier: Apache-2.0
"""``teleport start``."""

from __future__ import annotations

import asyncio
import logging

from proctor.runtime import logs
from proctor.runtime.plan import Flags, make
from proctor.runtime.privileges import profiles
from proctor.runtime.supervisor import resume
from proctor.runtime.supervisor.supervise import Supervisor

_log = logging.getLogger(__name__)


def start(flags: Flags) -> None:
    """Run until a signal; raises ProctorError when the services cannot start."""
    plan = make(flags)
    if resume.is_check():
        return
    state = resume.resumed()
    logs.configure(plan.config.teleport.log, "supervisor", debug=flags.debug)
    for warning in plan.warnings:
        _log.warning("%s", warning)
    profiles.confine("supervisor")
    asyncio.run(Supervisor(plan, lambda: make(flags), state).run())
