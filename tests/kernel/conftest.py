# SPDX-License-Identifier: Apache-2.0
"""Tests against the running kernel; PROCTOR_KERNEL_TESTS is ``try``, ``must`` (a skip fails) or ``off``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from proctor.capture.kernel import kernel_features
from proctor.capture.kernel.capability_report import probe
from testing.capture import CaptureHarness, running_lab

SWITCH = os.environ.get("PROCTOR_KERNEL_TESTS", "try")


CORE = frozenset(
    {
        "test_commands",
        "test_connections",
        "test_iouring",
        "test_unobserved",
        "test_policy",
        "test_delegation",
        "test_files",
        "test_lineage",
        "test_noise",
        "test_tamper",
    }
)
"""Modules whose tests run on the fallbacks for older kernels too."""


EVERY_HOOK = bool(os.environ.get("PROCTOR_KERNEL_EVERY_HOOK"))
"""Must the kernel take hooks that not every kernel does? Otherwise they are tested where it does."""


@cache
def takes_copies() -> bool:
    """Does the kernel take a hook behind each system call?"""
    return SWITCH != "off" and probe(without=["sys_exit"]).ok


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    module = metafunc.module.__name__.rpartition(".")[2]
    if module in CORE and "lab" in metafunc.fixturenames:
        metafunc.fixturenames.append("without")
        switches = {"newest": ""} | {f"without-{name}": name for name in ("task_storage", "casts", "loop")}
        if EVERY_HOOK or takes_copies():
            switches["each-call"] = "sys_exit"
        metafunc.parametrize("without", switches.values(), ids=switches, indirect=True, scope="module")


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
def without(request: pytest.FixtureRequest) -> str:
    """Features of the kernel that the lab does without."""
    return str(getattr(request, "param", ""))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, without: str) -> Iterator[CaptureHarness]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(kernel_features.SWITCH, without)
        with running_lab(tmp_path_factory.mktemp("capture")) as running:
            yield running
