# SPDX-License-Identifier: Apache-2.0
"""Clusters for the promises, and their logs when one is broken."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from proctor.capture.kernel.capability_report import probe
from testing.accounts import Account
from testing.cluster import Cluster, Node

MakeCluster = Callable[..., Cluster]

_running: list[Cluster] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and report.when == "call":
        report.sections += [(f"cluster {cluster.directory}", cluster.logs()) for cluster in _running]
    return report


@pytest.fixture(scope="session")
def kernel() -> None:
    """Skip where sessions cannot be recorded, unless PROCTOR_KERNEL_TESTS says that they must be."""
    switch = os.environ.get("PROCTOR_KERNEL_TESTS", "")
    if switch == "off":
        pytest.skip("PROCTOR_KERNEL_TESTS=off")
    report = probe()
    if not report.ok and switch != "must":
        pytest.skip("; ".join(report.missing))
    assert report.ok, report.missing


def end(cluster: Cluster) -> None:
    """Stop a cluster and remove everything that it wrote."""
    _running.remove(cluster)
    cluster.stop()
    shutil.rmtree(cluster.directory)


@pytest.fixture(scope="session")
def make_any_cluster() -> Iterator[MakeCluster]:
    """Starts clusters, which live until the end of the run unless somebody ends them."""

    def make(name: str = "purple", *, start: bool = True, **options: Any) -> Cluster:
        cluster = Cluster(Path(tempfile.mkdtemp(prefix=f"proctor-{name}-")), name, **options)
        _running.append(cluster)
        if start:
            cluster.start()
        return cluster

    yield make
    while _running:
        end(_running[-1])


@pytest.fixture
def make_cluster(make_any_cluster: MakeCluster) -> Iterator[MakeCluster]:
    """Starts clusters that live as long as the test."""
    before = len(_running)
    yield make_any_cluster
    while len(_running) > before:
        end(_running[-1])


@pytest.fixture(scope="session")
def shared(make_any_cluster: MakeCluster) -> Iterator[Cluster]:
    """One cluster for all tests that leave it as they found it."""
    cluster = make_any_cluster()
    yield cluster
    end(cluster)


@pytest.fixture(scope="session")
def node(kernel: None, shared: Cluster) -> Node:
    """The node of the shared cluster."""
    return shared.start_node()


@pytest.fixture(scope="session")
def alice(shared: Cluster) -> Account:
    """Somebody logged in to the shared cluster who may do everything."""
    account = shared.add_user("alice")
    account.login()
    return account
