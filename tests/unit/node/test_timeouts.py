# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest

from proctor.node import timeouts as of_node
from proctor.spawner import timeouts as of_spawner

NAMED = re.compile(r"^_?[A-Z_]*(SECONDS|TIMEOUT)\b.* = [\d.]+$", re.MULTILINE)


@pytest.mark.parametrize("module", [of_node, of_spawner])
def test_times_to_wait_are_named_in_one_module(module: object) -> None:
    package = Path(str(getattr(module, "__file__", ""))).parent
    elsewhere = {path.name: NAMED.findall(path.read_text()) for path in package.rglob("*.py")}

    assert not {name for name, found in elsewhere.items() if found}


@pytest.mark.parametrize("module", [of_node, of_spawner])
def test_each_time_to_wait_is_used(module: object) -> None:
    package = Path(str(getattr(module, "__file__", ""))).parent
    used = set(re.findall(r"\btimeouts\.([A-Z_]+)\b", "".join(p.read_text() for p in package.rglob("*.py"))))

    assert {name for name in vars(module) if name.isupper()} == used
