"""Tests against the running kernel; PROCTOR_KERNEL_TESTS is ``try``, ``must`` (a skip fails) or ``off``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.bpf.kernel.report import probe
from tests.support.capture import Lab, running_lab

SWITCH = os.environ.get("PROCTOR_KERNEL_TESTS", "try")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session", autouse=True)
def _kernel() -> None:
    assert SWITCH in ("try", "must", "off"), f"PROCTOR_KERNEL_TESTS is {SWITCH!r}"
    if SWITCH == "off":
        pytest.skip("PROCTOR_KERNEL_TESTS=off")
    report = probe()
    if not report.ok:
        reason = "\n".join(report.missing)
        assert SWITCH != "must", reason
        pytest.skip(reason)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("capture")) as running:
        yield running
