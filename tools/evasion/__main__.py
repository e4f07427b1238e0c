# SPDX-License-Identifier: Apache-2.0
"""Try the techniques under each tool; write docs/evasion.json and docs/evasion.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from proctor.core.clock import SYSTEM
from testing.evasion.catalogue import Technique, techniques
from testing.evasion.trial import crowded_lab
from testing.programs import missing as absent
from tools.evasion.auditing import running_auditd
from tools.evasion.observers import Bpftrace, Finding, Observer, Proctor, Script, Strace
from tools.evasion.table import Results, answer, merged, page
from tools.runner.paths import ROOT

DATA = ROOT / "docs/evasion.json"
PAGE = ROOT / "docs/evasion.md"
TOOLS = ("Proctor", "strace", "bpftrace", "script", "auditd")


@contextmanager
def observer(name: str) -> Iterator[Observer]:
    """The tool of that name, made ready."""
    simple: dict[str, Callable[[], Observer]] = {"strace": Strace, "bpftrace": Bpftrace, "script": Script}
    match name:
        case "Proctor":
            with TemporaryDirectory() as directory, crowded_lab(Path(directory)) as lab:
                yield Proctor(lab)
        case "auditd":
            with running_auditd() as auditd:
                yield auditd
        case _:
            yield simple[name]()


def observe(tool: Observer, chosen: Sequence[Technique]) -> dict[str, Finding]:
    """What ``tool`` finds, technique by technique."""
    findings = {}
    for technique in chosen:
        if missing := absent(*technique.needs):
            print(f"{tool.name:<9} {technique.name:<24} not on this machine: {' '.join(missing)}")
            continue
        finding = findings[technique.name] = tool.observe(technique)
        print(f"{tool.name:<9} {technique.name:<24} {answer(finding)}", flush=True)
    return findings


def machine() -> str:
    """What it was measured on."""
    model = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ""
    )
    return (
        f"{platform.system()} {platform.release()}, {os.cpu_count()} processors, {model.partition(': ')[2]}"
    )


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./run evasion", description=__doc__)
    parser.add_argument("--tool", action="append", choices=TOOLS, help="only this one (may be repeated)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only techniques with TEXT in their name")
    parser.add_argument("--page", action="store_true", help="write the page from the results that are there")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run; 0 unless a tool cannot be started."""
    options = arguments(argv)
    known = techniques()
    results = msgspec.json.decode(DATA.read_bytes(), type=Results) if DATA.exists() else Results()
    if not options.page:
        _observe_all(results, options.tool or TOOLS, [one for one in known if options.only in one.name])
    names = {technique.name for technique in known}
    results.findings = {
        tool: merged(results.findings.get(tool, {}), {}, names) for tool in TOOLS if tool in results.findings
    }
    DATA.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    PAGE.write_text(page(results, known))
    return 0


def _observe_all(results: Results, tools: Sequence[str], chosen: Sequence[Technique]) -> None:
    results.machine, results.date = machine(), SYSTEM.now().date().isoformat()
    for name in (tool for tool in TOOLS if tool in tools):
        with observer(name) as tool:
            results.versions[name] = tool.version()
            results.findings.setdefault(name, {}).update(observe(tool, chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
