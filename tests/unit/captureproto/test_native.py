# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys

import pytest

from proctor.captureproto.native import eventfmt, load
from proctor.core.errors import Unavailable

_MAPPED = "print('libbpf' in open('/proc/self/maps').read())"


@pytest.mark.parametrize("module", ["proctor.node.service", "proctor.spawner.server"])
def test_node_and_spawner_do_not_load_libbpf(module: str) -> None:
    filled = "from proctor.captureproto import event_lines\nevent_lines.fill(b'', (b'',) * 6, 0)"
    code = f"import {module}\n{filled}\n{_MAPPED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_capture_loads_libbpf() -> None:
    code = f"from proctor.capture.kernel.extension import native\nnative().possible_cpus()\n{_MAPPED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_extension_that_was_not_built() -> None:
    with pytest.raises(Unavailable, match="was not built into this installation") as caught:
        load("proctor.captureproto._absent")
    assert "./run setup" in (caught.value.hint or "")


def test_event_formatter() -> None:
    assert eventfmt().executables(b"") == []
