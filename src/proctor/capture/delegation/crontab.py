# SPDX-License-Identifier: Apache-2.0
"""Tables of cron: which commands they order, as cron hands them to the shell. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_SETTING = re.compile(rb"""\s*("[^"]*"|'[^']*'|[^\s=#]+)\s*=""")
_FIELDS = 5
_PERCENT = re.compile(rb"\\%|%")


class CrontabLine(NamedTuple):
    """``command`` is run by the shell of ``user``; "" is whose table it is."""

    user: str
    command: bytes


def entries(table: bytes, *, with_users: bool) -> Iterator[CrontabLine]:
    """The jobs of a table; ``with_users``: it says for each as whom it runs."""
    for line in table.split(b"\n"):
        words = line.lstrip(b" \t")
        if not words or words.startswith(b"#") or _SETTING.match(words):
            continue
        fields = 1 if words.startswith(b"@") else _FIELDS
        parts = re.split(rb"[ \t]+", words, maxsplit=fields + with_users)
        if len(parts) == fields + with_users + 1 and parts[-1]:
            user = parts[fields].decode(errors="replace") if with_users else ""
            yield CrontabLine(user, _command(parts[-1]))


def _command(text: bytes) -> bytes:
    """Return the part before the first ``%`` without a backslash; the rest is input."""
    command, end = b"", 0
    for mark in _PERCENT.finditer(text):
        if mark[0] == b"%":
            return command + text[end : mark.start()]
        command += text[end : mark.start()] + b"%"
        end = mark.end()
    return command + text[end:]
