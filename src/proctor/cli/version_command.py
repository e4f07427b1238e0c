# SPDX-License-Identifier: Apache-2.0
"""``version`` of each command, without the libraries of the other verbs, which take longer to load."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from proctor.cli import standard_streams
from proctor.core.version import banner


def show(more: Sequence[str] = ()) -> NoReturn:
    """Print the version and ``more`` lines, and leave."""
    standard_streams.prepare()
    print(banner(), *more, sep="\n")
    sys.exit(standard_streams.finish())
