# SPDX-License-Identifier: Apache-2.0
"""Recognise commands that run the server side of the original scp protocol."""

from __future__ import annotations

import os
import shlex
from typing import Literal, NamedTuple


class ScpCommand(NamedTuple):
    """``scp -t PATH`` (upload) or ``scp -f PATH`` (download), as scp runs it on the other side."""

    action: Literal["download", "upload"]
    path: bytes


def parse_scp(command: bytes) -> ScpCommand | None:
    """``command`` when it is scp's server side, else None."""
    try:
        words = shlex.split(os.fsdecode(command))
    except ValueError:
        return None
    if len(words) < 3 or os.path.basename(words[0]) != "scp":
        return None
    flags = "".join(word[1:] for word in words[1:-1] if word.startswith("-") and not word.startswith("--"))
    if "t" in flags:
        return ScpCommand("upload", os.fsencode(words[-1]))
    return ScpCommand("download", os.fsencode(words[-1])) if "f" in flags else None
