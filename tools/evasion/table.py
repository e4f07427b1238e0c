# SPDX-License-Identifier: Apache-2.0
"""The results as a page: docs/evasion.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from testing.evasion.catalogue import Technique
from tools.evasion.observers import Finding

_HEAD = """# Evasion

Ways to do something in a session unnoticed, and what is seen of each: by Proctor, and by other tools on the
same machine. Written by `./run evasion`, from the tools' own output; the techniques are the programs in
`testing/evasion/techniques`, and `tests/kernel/test_evasion.py` holds Proctor to its column.

Each technique does one harmless thing that can be checked: it executes a marked program, opens a marked file,
reaches a marked port, or touches what records it. It runs as root, which is the hardest case.

| | |
|---|---|
| yes | seen, and it is said in which session |
| whose? | seen, but not in which session |
| no | not seen |
| fails | the technique does not work under this tool |
| blocked | a network policy that allows nothing keeps it from working; the other tools only watch |

- **Proctor**: capture with the rings of `auto`, all kinds, a second session open beside. *yes* is an event of
  the kind that the technique must show, with the argument, path or port, in this session and in no other.
- **strace** `-f -v -yy` wraps the session, so that what it shows is the session's; it makes each system call
  many times slower, and where it traces nothing else can.
- **bpftrace**: the usual execsnoop, opensnoop and tcpconnect (by tracepoints); they watch the whole machine.
- **auditd**: rules on exec, open, connect and send calls and on calls that tamper, 64 and 32 bit, for users
  that have logged in; a record names the login by `auid` and `ses`.
- **script**: a shell into which shell scripts are typed; other programs are run by their name.
"""


_ANSWERS = ("yes", "whose?", "no", "fails")


class Results(msgspec.Struct):
    """All findings: by tool, then by technique. ``versions`` by tool."""

    machine: str = ""
    date: str = ""
    versions: dict[str, str] = {}
    findings: dict[str, dict[str, Finding]] = {}


def page(results: Results, techniques: Sequence[Technique]) -> str:
    """The whole of docs/evasion.md."""
    tools = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    sections = [_HEAD, f"{results.date}, {results.machine}; {tools}.\n", _summary(results, techniques)]
    for category, members in groupby(techniques, lambda technique: technique.category):
        sections.append(f"## {category.capitalize()}\n\n{_section(results, list(members))}")
    if notes := [technique for technique in techniques if technique.why]:
        lines = [f"- **{technique.title}** ({technique.name}): {technique.why}." for technique in notes]
        sections.append("## Why not\n\n" + "\n".join(lines) + "\n")
    return "\n".join(sections)


def _summary(results: Results, techniques: Sequence[Technique]) -> str:
    rows = []
    for tool, findings in results.findings.items():
        found = [findings.get(technique.name) for technique in techniques]
        answers = [answer(finding).partition(",")[0] for finding in found]
        blocked = sum(finding is not None and bool(finding.blocked) for finding in found)
        rows.append([tool, *(str(answers.count(one)) for one in _ANSWERS), str(blocked)])
    return _table([f"of {len(techniques)} techniques", *_ANSWERS, "blocked"], rows)


def _section(results: Results, techniques: Sequence[Technique]) -> str:
    rows = []
    for technique in techniques:
        cells = [answer(findings.get(technique.name)) for findings in results.findings.values()]
        rows.append([technique.title, technique.hides, technique.seen, *cells])
    return _table(["technique", "hides", "must show", *results.findings], rows)


def answer(finding: Finding | None) -> str:
    """One cell."""
    match finding:
        case None:
            return ""
        case Finding(worked=False):
            return "fails"
        case Finding(seen=False):
            return "no" + _blocked(finding)
        case Finding(attributed=False):
            return "whose?" + _blocked(finding)
    return "yes" + _blocked(finding)


def _blocked(finding: Finding) -> str:
    return ", blocked" if finding.blocked else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def merged(old: Mapping[str, Finding], new: Mapping[str, Finding], names: set[str]) -> dict[str, Finding]:
    """``new`` over ``old``, without techniques that are not among ``names`` any more."""
    return {name: finding for name, finding in {**old, **new}.items() if name in names}
