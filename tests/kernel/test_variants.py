# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from proctor.capture.kernel import kernel_features
from testing.capture import GUIDE_RINGS, CaptureHarness, running_lab

Without = Callable[[str], AbstractContextManager[CaptureHarness]]


@pytest.fixture
def lab_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Without:
    @contextmanager
    def start(features: str) -> Iterator[CaptureHarness]:
        monkeypatch.setenv(kernel_features.SWITCH, features)
        with running_lab(tmp_path, GUIDE_RINGS) as lab:
            yield lab

    return start


@pytest.mark.parametrize(
    ("features", "variant", "limits"),
    [
        ("", "capture", 0),
        ("task_storage", "capture-6.2", 1),
        ("casts", "capture-5.17", 1),
        ("loop", "capture-5.8", 2),
    ],
)
def test_the_switch_chooses_the_object(
    lab_without: Without, features: str, variant: str, limits: int
) -> None:
    with lab_without(features) as lab:
        status = lab.status()

    assert status["variant"] == variant
    assert len(status["limits"]) == limits


@pytest.mark.parametrize("features", ["", "task_storage", "casts"])
def test_a_thread_that_executes_stays_in_its_session(lab_without: Without, features: str) -> None:
    def replace() -> None:
        thread = threading.Thread(target=os.execv, args=("/bin/sh", ["sh", "-c", "/bin/echo marked; :"]))
        thread.start()
        thread.join()

    with lab_without(features) as lab:
        commands = lab.run(replace).commands

    assert ["/bin/echo", "marked"] in [event["args"] for event in commands]


def test_connections_without_hooks_are_those_that_the_caller_asked_for(lab_without: Without) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with lab_without("cgroup_hooks") as lab:
        status = lab.status()
        [event] = lab.run(lambda: socket.socket().connect_ex(("127.0.0.1", port)), ["network"]).connections

    assert not {"proctor_conn4", "proctor_conn6", "proctor_send4", "proctor_send6"} & set(status["programs"])
    assert (event["dst_addr"], event["dst_port"]) == ("127.0.0.1", port)
    assert event["return_code"] == -errno.ECONNREFUSED
