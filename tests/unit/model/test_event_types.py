# SPDX-License-Identifier: Apache-2.0
"""Types of decoded events are for the type checker: no process loads them."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["proctor.auth.service", "proctor.node.service", "proctor.proxy.service", "proctor.cli.tsh.app"]
)
def test_no_service_loads_the_types(module: str) -> None:
    code = f"import sys, {module}; print('proctor.model.event_types' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
