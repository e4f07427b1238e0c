# SPDX-License-Identifier: Apache-2.0
"""Names that tests written for an earlier release import."""

from __future__ import annotations

import importlib

import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.evasion.catalogue import parse


@pytest.mark.parametrize("value", [Account, Cluster, Node])
def test_former_module_has_the_same_class(value: type) -> None:
    former = importlib.import_module(value.__module__.replace("testing", "tests.support"))

    assert getattr(former, value.__name__) is value


def test_former_module_of_techniques() -> None:
    former = importlib.import_module("tests.kernel.evasion.catalogue")

    assert former.parse is parse
