# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from proctor.spawner import child
from proctor.spawner.child import Program, UnixUser

ALICE = UnixUser("alice", 1000, 1000, "/home/alice", "/bin/bash")


def test_login_shell_and_command() -> None:
    assert Program(None, {}).argv("/bin/bash") == ["-bash"]
    assert Program("echo x", {}).argv("/bin/bash") == ["bash", "-c", "echo x"]


def test_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")

    environment = child.base_environment(ALICE, "xterm")

    assert environment == {
        "USER": "alice",
        "LOGNAME": "alice",
        "HOME": "/home/alice",
        "SHELL": "/bin/bash",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
        "TERM": "xterm",
    }
    assert "/usr/sbin" in child.base_environment(UnixUser("root", 0, 0, "/root", "/bin/sh"), "")["PATH"]


def test_file_of_the_user_cannot_change_what_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".tsh").mkdir()
    (tmp_path / ".tsh/environment").write_text(
        "# words\nGOOD=a=b\nLD_PRELOAD=x\nBASH_ENV=x\nSSH_TTY=x\nnothing\n"
    )
    monkeypatch.chdir(tmp_path)

    assert child.user_variables() == {"GOOD": "a=b"}


def test_no_file_no_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert child.user_variables() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_identity_is_taken_for_good() -> None:
    user = UnixUser("nobody", 65534, 65534, "/nonexistent", "/bin/sh")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            child.become(user)
            status = 2
            os.setuid(0)
        except PermissionError:
            status = 0 if status == 2 and os.getresgid() == (65534,) * 3 and 0 not in os.getgroups() else 3
        finally:
            os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_module_imports_the_standard_library_only() -> None:
    code = "import sys; import proctor.spawner.child; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*{name.split('.')[0] for name in sys.modules})"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(done.stdout.split()) - set(bare.stdout.split()) - sys.stdlib_module_names == {"proctor"}


def test_descriptors_beyond_the_limit_are_closed() -> None:
    """They were opened while it was higher, as it is in the spawner."""
    high = 900
    with Path("/dev/null").open() as file, Path("/dev/zero").open() as kept:
        if (pid := os.fork()) == 0:
            os.dup2(file.fileno(), high)
            os.dup2(kept.fileno(), 3)
            resource.setrlimit(resource.RLIMIT_NOFILE, (high // 2, high // 2))
            child.close_above(3)
            left = [os.path.exists(f"/proc/self/fd/{number}") for number in (3, file.fileno() + 4, high)]
            os._exit(0 if left == [True, False, False] else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_child_that_is_not_let_go_ends() -> None:
    gate, inner = socket.socketpair()
    with gate, inner:
        if (pid := os.fork()) == 0:
            gate.close()
            task = child.SessionChild(ALICE, [], inner, terminal=False, cgroup=None, restricted=False)
            task.run(Program(None, {}))
        inner.close()
        assert gate.recv(len(child.READY)) == child.READY
        gate.close()

        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == child.EXIT_NO_SESSION


def test_child_that_cannot_enter_its_cgroup_says_so(tmp_path: Path) -> None:
    gate, inner = socket.socketpair()
    with gate, inner:
        if (pid := os.fork()) == 0:
            absent = tmp_path / "absent"
            task = child.SessionChild(ALICE, [], inner, terminal=False, cgroup=absent, restricted=False)
            task.run(Program(None, {}))

        assert gate.recv(100) == b"cannot enter the session's cgroup: No such file or directory"
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == child.EXIT_NO_SESSION
