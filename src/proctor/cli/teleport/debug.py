# SPDX-License-Identifier: Apache-2.0
"""``teleport debug capture``: what kernel capture records on this machine, and whether it does."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import msgspec

from proctor.capture.engine import rings_of
from proctor.capture.kernel.capability_report import CapabilityReport, probe
from proctor.capture.kernel.kernel_features import switched_off
from proctor.capture.kernel.loader import RingSizes
from proctor.capture.selftest.expectations import Outcome
from proctor.capture.selftest.run import run
from proctor.captureproto import cgroup
from proctor.cli.output import fields, table
from proctor.config.load import read
from proctor.config.schema import DEFAULT_PATH, EnhancedRecording
from proctor.core.errors import AccessDenied

_MIB = 1 << 20


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Result of ``debug capture``: what was asked of the kernel, its answers, and the self-test."""

    kernel: str
    rings: dict[str, int]
    cgroups: str
    report: CapabilityReport
    outcomes: list[Outcome] = []

    @property
    def ok(self) -> bool:
        """Is everything recorded that enhanced recording promises?"""
        return self.report.ok and all(outcome.ok for outcome in self.outcomes)


def examine(config: EnhancedRecording) -> Findings:
    """Ask the kernel and do the self-test. Raises ProctorError."""
    if os.geteuid() != 0:
        raise AccessDenied(
            "what the kernel lets us record can only be found out as root",
            hint="Run: sudo teleport debug capture",
        )
    logging.getLogger("proctor").addHandler(logging.NullHandler())  # the report says what the log would
    rings = rings_of(config)
    report = probe(rings, without=switched_off(os.environ))
    mount = cgroup.mounted(Path(config.cgroup_path))
    return Findings(
        kernel=os.uname().release,
        rings=rings._asdict(),
        cgroups=str(mount),
        report=report,
        outcomes=asyncio.run(run(mount)) if report.ok else [],
    )


def configuration(path: str) -> EnhancedRecording:
    """From the file at ``path``; when empty, from the usual one if it exists. Raises ConfigError."""
    if not path and not Path(DEFAULT_PATH).exists():
        return EnhancedRecording()
    return read(Path(path or DEFAULT_PATH)).config.ssh_service.enhanced_recording


def describe(findings: Findings) -> str:
    """The findings for a person."""
    parts = [_machine(findings)]
    if findings.outcomes:
        rows = [_row(outcome, findings.report) for outcome in findings.outcomes]
        parts.append(table(["What", "Seen", "Hook"], rows))
    parts += _list("Cannot be recorded, though it is promised:", findings.report.missing)
    parts += _list("Limits on this kernel:", findings.report.limits)
    parts.append(_verdict(findings))
    return "\n\n".join(parts)


def _machine(findings: Findings) -> str:
    rings = RingSizes(**findings.rings)
    return fields(
        [
            ("Kernel", findings.kernel),
            ("Object", findings.report.variant or "none"),
            (
                "Rings",
                f"commands {_size(rings.command)}, files {_size(rings.disk)}, network {_size(rings.network)}",
            ),
            ("Cgroups", findings.cgroups),
        ]
    )


def _row(outcome: Outcome, report: CapabilityReport) -> list[str]:
    return [outcome.title, _seen(outcome), report.hooks.get(outcome.program, "-")]


def _seen(outcome: Outcome) -> str:
    if outcome.seen:
        return "yes"
    if outcome.impossible:
        return f"not tried: {outcome.impossible}"
    return "NO" if outcome.promised else "no, not promised"


def _list(heading: str, sentences: list[str]) -> list[str]:
    return ["\n".join([heading, *(f"  {sentence}" for sentence in sentences)])] if sentences else []


def _verdict(findings: Findings) -> str:
    if findings.ok:
        return "Everything that enhanced recording promises is recorded here."
    unseen = [outcome.title for outcome in findings.outcomes if not outcome.ok]
    return f"Enhanced recording does not keep its promise here: {', '.join(unseen) or 'see above'}."


def _size(size: int) -> str:
    return f"{size // _MIB} MiB" if size % _MIB == 0 else f"{size // 1024} KiB"
