# SPDX-License-Identifier: Apache-2.0
"""Tests that change the machine they run on: for guests only, which forget it (``./run vmtest``)."""

from __future__ import annotations

from pathlib import Path

import pytest

GUEST = Path("/run/vm/command")
SYSTEMD = Path("/run/systemd/system")


@pytest.fixture(scope="session", autouse=True)
def _guest() -> None:
    if not (GUEST.exists() and SYSTEMD.exists()):
        pytest.skip("not in a guest with systemd")
