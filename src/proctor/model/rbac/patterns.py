# SPDX-License-Identifier: Apache-2.0
"""Patterns of role documents: ``*`` for any text, or a regular expression between ``^`` and ``$``."""

from __future__ import annotations

import functools
import re
import warnings


def matches(pattern: str, value: str) -> bool:
    """Does ``pattern`` match the whole of ``value``? A pattern that does not compile matches nothing."""
    try:
        return _compiled(pattern).search(value) is not None
    except (re.error, ValueError):
        return False


def check(pattern: str) -> None:
    """Raises ValueError for a regular expression that does not work, or means something else in Go."""
    try:
        _compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern.startswith("^") and pattern.endswith("$"):
        return regex(pattern)
    glob = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.compile(rf"\A{glob}\Z", re.DOTALL)


def regex(pattern: str) -> re.Pattern[str]:
    """A regular expression in the syntax that RE2 and Python share. Raises ValueError, re.error."""
    if "[[:" in pattern or r"\Q" in pattern or re.search(r"\\[pP][{A-Z]", pattern):
        raise ValueError(f"{pattern!r}: named classes and \\Q are not supported")
    anchored = re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1\\Z", pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        try:
            return re.compile(anchored)
        except FutureWarning as error:
            raise ValueError(f"{pattern!r}: {error}") from None
