# SPDX-License-Identifier: Apache-2.0
"""What the pages point at exists: links, files and modules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.runner.paths import ROOT

NOTES = ROOT / "docs/worklog.md"  # names what is still to come
PAGES = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")} - {NOTES}
)
PACKAGES = sorted(
    path.name for path in (ROOT / "src/proctor").iterdir() if path.is_dir() and "_" not in path.name
)
TREES = ("src", "bpf", "native", "tests", "testing", "tools", "bench", "web", "proto", "examples", "docs")

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_OTHERS = re.compile(r".+\.(?:md|sock)|audit\.(?:gap|retention)")  # pages, sockets and events
_MODULE = re.compile(rf"(?:proctor\.)?({'|'.join(PACKAGES)})((?:\.[a-z_]+)+)(?:\.[A-Z]\w*)?(?:\.\w+)*")


def anchors(path: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    missing = []
    for target in _LINK.findall(_FENCE.sub("", path.read_text())):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, fragment = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        if not page.exists() or (fragment and page.suffix == ".md" and fragment not in anchors(page)):
            missing.append(target)
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path: Path) -> None:
    named = {
        code
        for code in _CODE.findall(path.read_text())
        if re.match(rf"(?:{'|'.join(TREES)})/[\w./-]+$", code)
    }
    assert sorted(name for name in named if not any(ROOT.glob(name.rstrip("/")))) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_that_are_named_exist(path: Path) -> None:
    missing = []
    for code in _CODE.findall(_FENCE.sub("", path.read_text())):
        match = None if _OTHERS.fullmatch(code) else _MODULE.fullmatch(code)
        if match and not _exists(match[1], match[2]):
            missing.append(code)
    assert missing == []


def _exists(package: str, rest: str) -> bool:
    """Whether ``package`` has the module ``rest``, or the module before its last name has this name."""
    path = ROOT / "src/proctor" / package / rest[1:].replace(".", "/")
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    module = (
        path.parent.with_suffix(".py")
        if path.parent.with_suffix(".py").exists()
        else path.parent / "__init__.py"
    )
    return module.exists() and re.search(rf"\b{path.name}\b", module.read_text()) is not None
