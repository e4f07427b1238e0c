# SPDX-License-Identifier: Apache-2.0
"""Programs that tests run and that belong to packages of the system.

``PROCTOR_TEST_PROGRAMS`` is ``must`` where the set-up installs them: a missing one fails the test then,
since a skipped test proves nothing. Elsewhere, in guests and on other distributions, it skips the test.
"""

from __future__ import annotations

import os
import shutil

import pytest

SWITCH = "PROCTOR_TEST_PROGRAMS"


def missing(*programs: str) -> list[str]:
    """Those of ``programs`` that are not in PATH."""
    return [program for program in programs if shutil.which(program) is None]


def require(*programs: str) -> None:
    """Skip the running test unless all ``programs`` are installed, or fail it where they must be."""
    if absent := missing(*programs):
        reason = f"not installed: {', '.join(absent)}"
        if os.environ.get(SWITCH) == "must":
            pytest.fail(f"{reason} (tools/runner/debian.py lists what the set-up installs)")
        pytest.skip(reason)
