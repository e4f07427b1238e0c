# SPDX-License-Identifier: Apache-2.0
"""``tsh ssh`` and ``tsh scp`` with the streams, names and locales that other programs give them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.commands import BIN
from testing.polling import until
from testing.sessions import ShellSession

SIZE = 5_000_000


def ssh(alice: Account, node: Node, command: str) -> list[str]:
    return [str(BIN / "tsh"), "ssh", f"root@{node.name}", command]


def test_output_to_a_pipe_that_does_not_block(node: Node, alice: Account) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    argv = ssh(alice, node, f"head -c {SIZE} /dev/zero")
    with subprocess.Popen(argv, env=dict(alice.env), stdin=subprocess.DEVNULL, stdout=writer) as process:
        os.close(writer)
        with open(reader, "rb") as pipe:
            assert len(pipe.read()) == SIZE
    assert process.returncode == 0


def test_input_from_a_pipe_that_does_not_block(node: Node, alice: Account) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    argv = ssh(alice, node, "wc -c")
    with subprocess.Popen(argv, env=dict(alice.env), stdin=reader, stdout=subprocess.PIPE) as process:
        os.close(reader)
        with open(writer, "wb") as pipe:
            pipe.write(bytes(SIZE))
        assert process.stdout is not None
        assert int(process.stdout.read()) == SIZE


def test_rsync_over_tsh(node: Node, alice: Account, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(SIZE))
    argv = ["rsync", "-e", f"{BIN}/tsh ssh", f"root@{node.name}:{big}", f"{tmp_path}/copy"]
    subprocess.run(argv, env=dict(alice.env), check=True, timeout=60)
    assert (tmp_path / "copy").read_bytes() == big.read_bytes()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams(node: Node, alice: Account, closed: str) -> None:
    script = f'exec "$@" {closed}'
    argv = ["/bin/sh", "-c", script, "sh", *ssh(alice, node, "echo out; echo err >&2; exit 3")]
    done = subprocess.run(argv, env=dict(alice.env), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "ERROR" not in done.stderr


def test_options_and_dashes_around_the_host(node: Node, alice: Account) -> None:
    host = f"root@{node.name}"
    assert alice.tsh("ssh", host, "--", "echo", "-n", "one").stdout == "one"
    assert alice.tsh("ssh", host, "-p", "3022", "echo", "-p", "two").stdout == "-p two\n"


def test_name_in_capitals(node: Node, alice: Account) -> None:
    assert alice.tsh("ssh", f"root@{node.name.upper()}", "echo", "in").stdout == "in\n"


@pytest.fixture(scope="module")
def capitals(shared: Cluster) -> Iterator[Node]:
    """A node whose name has capitals, and with a label."""
    labels = "ssh_service:\n  labels: {env: example}\n"
    node = shared.start_node(name="Graviton-Two", edit=lambda text: text.replace("ssh_service:\n", labels))
    yield node
    node.stop()


def test_name_with_capitals_from_plain_ssh(
    shared: Cluster, capitals: Node, alice: Account, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(alice.tsh("config").stdout)
    for name in (capitals.name, capitals.name.lower()):
        argv = ["ssh", "-F", str(config), "-o", "BatchMode=yes", f"root@{name}.{shared.name}", "echo in"]
        done = subprocess.run(argv, env=dict(alice.env), capture_output=True, text=True, check=True)
        assert done.stdout == "in\n"


def test_label_selects_nodes(capitals: Node, alice: Account) -> None:
    done = alice.tsh("ssh", "root@env=example", "echo", "in")
    assert (done.stdout, done.stderr) == ("in\n", f"{capitals.name}:\n")
    none = alice.tsh("ssh", "root@env=none", "true", check=False)
    assert (none.returncode, none.stderr.splitlines()[0]) == (1, "ERROR: no node has the labels env=none")


def test_locale_goes_along(node: Node, alice: Account) -> None:
    env = {**alice.env, "LANG": "C.UTF-8", "LC_TIME": "C"}
    done = subprocess.run(
        ssh(alice, node, "echo $LANG $LC_TIME"), env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "C.UTF-8 C\n"
    del env["LANG"], env["LC_TIME"]
    charmap = ssh(alice, node, "locale charmap")
    done = subprocess.run(charmap, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "UTF-8\n"


def test_bytes_of_another_encoding(node: Node, alice: Account, tmp_path: Path) -> None:
    """In the command, in the name of a file, and in the name of the terminal."""
    command = os.fsdecode(b'printf %s "\xe4" | od -An -tx1')
    done = subprocess.run(ssh(alice, node, command), env=dict(alice.env), capture_output=True, check=True)
    assert done.stdout.split() == [b"e4"]
    name = tmp_path / os.fsdecode(b"b\xfcro.txt")
    name.write_text("x")
    target = tmp_path / "target"
    target.mkdir()
    alice.tsh("scp", f"root@{node.name}:{name}", str(target))
    assert (target / name.name).read_text() == "x"
    argv = [str(BIN / "tsh"), "ssh", "-t", f"root@{node.name}", "true"]
    env = {**alice.env, "TERM": os.fsdecode(b"\xe4")}
    assert subprocess.run(argv, env=env, capture_output=True, check=False).returncode == 0


def test_copy_that_fails_names_both_sides(node: Node, alice: Account) -> None:
    done = alice.tsh("scp", "/etc/hostname", f"root@{node.name}:/nonexistent/x", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: scp: cannot copy /etc/hostname to /nonexistent/x")


def test_ports_out_of_range(node: Node, alice: Account) -> None:
    for arguments in (("-p", "0"), ("-p", "70000"), ("-L", "80800:db:80")):
        done = alice.tsh("ssh", *arguments, f"root@{node.name}", "true", check=False)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_openssh_configuration_in_an_odd_directory(
    shared: Cluster, node: Node, alice: Account, tmp_path: Path
) -> None:
    odd = tmp_path / "50% of it"
    odd.mkdir()
    subprocess.run(["cp", "-a", f"{alice.home}/.tsh", f"{odd}/.tsh"], check=True)
    env = {**alice.env, "HOME": str(odd)}
    text = subprocess.run([str(BIN / "tsh"), "config"], env=env, capture_output=True, text=True, check=True)
    config = tmp_path / "config"
    config.write_text(text.stdout)
    argv = ["ssh", "-F", str(config), "-o", "BatchMode=yes", f"root@{node.name}.{shared.name}", "echo in"]
    assert subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout == "in\n"


def test_openssh_through_tsh_as_its_proxy_command(
    shared: Cluster, node: Node, alice: Account, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(alice.tsh("config").stdout)
    argv = ["ssh", "-F", str(config), "-o", "BatchMode=yes", "-o", "ProxyJump=none"]
    argv += ["-o", f"ProxyCommand={BIN}/tsh proxy ssh %r@%h:%p", f"root@{node.name}.{shared.name}"]
    done = subprocess.run(
        [*argv, "wc -c"], env=dict(alice.env), input=bytes(SIZE), capture_output=True, check=True
    )
    assert int(done.stdout) == SIZE
    unknown = alice.tsh("proxy", "ssh", "root@no-such-node", check=False)
    assert unknown.returncode == 1
    assert "no-such-node not found" in unknown.stderr


def test_cluster_and_running_sessions(shared: Cluster, node: Node, alice: Account) -> None:
    assert shared.name in alice.tsh("clusters").stdout
    with ShellSession(alice, f"root@{node.name}") as shell:
        shell.run("true")
        until(lambda: shell.sid in alice.tsh("sessions", "ls").stdout, 20, "the running session")
        shell.exit()
    until(lambda: shell.sid not in alice.tsh("sessions", "ls", "--format=json").stdout, 20, "its end")
