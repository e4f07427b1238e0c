# SPDX-License-Identifier: Apache-2.0
"""Lint of names and words: one term for one thing, in the terms of the field (``docs/glossary.md``).

Four rules, the first three with a list of exemptions in ``vocabulary_exempt.toml`` that only shrinks:

- no word of ``WORDS`` in anything that people write;
- no public class name in two modules;
- no module name in two packages that one process imports;
- lines of pages are wrapped at 100 characters, outside of tables and blocks of code.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools import sources
from tools.runner.paths import ROOT

EXEMPTIONS = ROOT / "tools/vocabulary_exempt.toml"

WORDS = {
    r"deeds?": "action",
    r"anew": "again",
    r"nobody(?:'s)?": "name the subject, or use the passive",
    r"strangers?(?:'s)?": "process outside the session, other user",
    r"told": "notified, given, passed",
    r"met": "accounted for, satisfied",
    r"of ours": "our, of Proctor",
    r"the house": "the project",
    r"rooms?": "package, space, capacity",
    r"who asks": "caller",
    r"what comes": "input, next",
}
"""Words that say nothing to a search for the terms of the field, and what to write instead."""

SUFFIXES = {".py", ".pyi", ".c", ".h", ".ts", ".tsx", ".css", ".md", ".proto", ".toml", ""}

OWN = (
    "docs/worklog.md",
    "tools/vocabulary.py",
    "tools/vocabulary_exempt.toml",
    "tests/unit/tools/test_vocabulary.py",
)
"""Notes that come and go, and what must name the words."""

PAGE_WIDTH = 100
UNWRAPPED = ("docs/evasion.md", "docs/worklog.md")
"""Generated from sentences of programs, or notes that come and go."""

PROCESSES = ("auth", "capture", "cli.tctl", "cli.teleport", "cli.tsh", "node", "proxy", "spawner")
"""Packages of one process each: no process imports two of them."""

WAIVER = "# word: "
"""Followed by the reason why a line may have such a word."""

# A quotation mark before it makes "nobody" the name of a user.
_WORD = re.compile(rf"(?<![\"'])\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)


def checked_files(root: Path = ROOT) -> Iterator[Path]:
    """Files whose words are checked, relative to ``root``: sources and pages."""
    for path in sources.written_files(root, (*sources.SCRIPTS, *sources.DIRECTORIES, "docs")):
        if path.suffix in SUFFIXES and path.as_posix() not in OWN:
            yield path


def banned_words(text: str) -> Iterator[tuple[int, str]]:
    """Line number and word, for each banned word in ``text``."""
    for number, line in enumerate(text.splitlines(), 1):
        if WAIVER not in line:
            for match in _WORD.finditer(line.replace("_", " ")):
                yield number, match[0]


def advice(word: str) -> str:
    """What to write instead of ``word``."""
    return next(text for pattern, text in WORDS.items() if re.fullmatch(pattern, word, re.IGNORECASE))


def class_names(package: Path) -> dict[str, set[str]]:
    """Public classes of ``package``: their modules by name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sources.modules(package):
        for node in sources.nodes(path):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(path.relative_to(package).as_posix())
    return found


def module_names(package: Path) -> dict[str, set[str]]:
    """Packages of ``package`` that have a module of this name, by name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sources.modules(package):
        if not path.stem.startswith("__"):
            found[path.stem].add(".".join(path.relative_to(package).parts[:-1]))
    return found


def process_of(package: str) -> str:
    """The process that alone imports ``package``; empty when several do."""
    return next((one for one in PROCESSES if package == one or package.startswith(f"{one}.")), "")


def shared_by_a_process(packages: set[str]) -> bool:
    """Does one process import two of ``packages``?"""
    processes = [process_of(package) for package in packages]
    return len(packages) > 1 and ("" in processes or len(set(processes)) < len(processes))


def long_lines(page: str) -> Iterator[int]:
    """Numbers of the lines of ``page`` that should be wrapped."""
    fenced = False
    for number, line in enumerate(page.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif (
            len(line) > PAGE_WIDTH and not fenced and " " in line.strip() and not line.startswith(("|", "#"))
        ):
            yield number


def check_wrapped() -> Iterator[str]:
    """Complaints about lines of pages."""
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        name = path.relative_to(ROOT).as_posix()
        if name not in UNWRAPPED:
            for number in long_lines(path.read_text()):
                yield f"{name}:{number}: longer than {PAGE_WIDTH} characters"


def check_words(allowed: Mapping[str, int]) -> Iterator[str]:
    """Complaints about words; ``allowed``: how many each file may still have."""
    for path in checked_files():
        name = path.as_posix()
        found = list(banned_words((ROOT / path).read_text(errors="replace")))
        if len(found) > allowed.get(name, 0):
            yield from (f"{name}:{number}: {word!r}; rather: {advice(word)}" for number, word in found)
        elif len(found) < allowed.get(name, 0):
            yield f"{name}: has {len(found)} banned words, fewer than exempted: lower the exemption"


def check_unique(what: str, duplicates: Mapping[str, set[str]], allowed: Mapping[str, int]) -> Iterator[str]:
    """Complaints about names that are used twice; ``allowed``: how often each still may be."""
    for name, places in sorted(duplicates.items()):
        if len(places) > allowed.get(name, 1):
            yield f"{what} {name} in {', '.join(sorted(places))}"
    for name, count in sorted(allowed.items()):
        if len(duplicates.get(name, ())) < count:
            yield f"{what} {name} is no longer used {count} times: lower the exemption"


def main() -> int:
    """Print complaints; returns the exit status."""
    exempt = tomllib.loads(EXEMPTIONS.read_text())
    package = ROOT / "src/proctor"
    classes = {name: places for name, places in class_names(package).items() if len(places) > 1}
    names = {name: where for name, where in module_names(package).items() if shared_by_a_process(where)}
    complaints = [
        *check_words(exempt.get("words", {})),
        *check_wrapped(),
        *check_unique("class", classes, exempt.get("classes", {})),
        *check_unique("module", names, exempt.get("modules", {})),
    ]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
