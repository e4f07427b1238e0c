# SPDX-License-Identifier: Apache-2.0
"""What hosts say of themselves: printable and short."""

from __future__ import annotations

from typing import Any

import pytest

from proctor.auth.validation import check_reported
from proctor.core.errors import BadRequest
from proctor.model import serde
from proctor.model.resources import Node


def node(**spec: Any) -> Node:
    return serde.convert(
        {"metadata": {"name": "n"}, "spec": {"hostname": "web-1", "addr": "10.0.0.1:3022", **spec}}, Node
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"hostname": "h" * 512},
        {"server_version": "1" * 64},
        {"labels": {"k": "v" * 510}},
        {"labels": {str(number): "v" for number in range(64)}},
    ],
)
def test_longest_values_that_are_accepted(spec: dict[str, Any]) -> None:
    check_reported(node(**spec))


@pytest.mark.parametrize(
    "spec",
    [
        {"hostname": "h" * 513},
        {"hostname": "a\x1b[2J"},
        {"server_version": "1" * 65},
        {"addr": "10.0.0.1\n:3022"},
        {"labels": {"k": "v" * 511}},
        {"labels": {"k\x00": "v"}},
        {"labels": {str(number): "v" for number in range(65)}},
    ],
)
def test_values_that_are_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"too long or not printable|at most 64"):
        check_reported(node(**spec))
