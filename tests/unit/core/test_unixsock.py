# SPDX-License-Identifier: Apache-2.0
import os
import stat
from pathlib import Path

import pytest

from proctor.core import unixsock


def deep(directory: Path) -> Path:
    path = directory.joinpath(*["directory-with-a-long-name"] * 8)
    path.mkdir(parents=True)
    return path / "control.sock"


def test_paths_longer_than_the_kernel_allows_work(tmp_path: Path) -> None:
    path = deep(tmp_path)
    assert len(str(path)) > 107
    with unixsock.listen(path) as server, unixsock.connect(path) as client:
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"
            assert unixsock.peer(accepted) == (os.getpid(), os.getuid(), os.getgid())


def test_a_stale_socket_is_replaced_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    unixsock.listen(path).close()
    with unixsock.listen(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_connecting_without_a_listener_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        unixsock.connect(tmp_path / "absent.sock")
