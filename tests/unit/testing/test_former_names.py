# SPDX-License-Identifier: Apache-2.0
"""Names that tests written for an earlier release import."""

from __future__ import annotations

import importlib

import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node


@pytest.mark.parametrize("value", [Account, Cluster, Node])
def test_former_module_has_the_same_class(value: type) -> None:
    former = importlib.import_module(value.__module__.replace("testing", "tests.support"))

    assert getattr(former, value.__name__) is value
