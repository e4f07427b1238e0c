# SPDX-License-Identifier: Apache-2.0
"""Other people's clients work with the output of ``tsh config``: ssh, scp, sftp, rsync, paramiko."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.openssh import OpenSsh
from testing.polling import until

PAYLOAD = os.urandom(3 * 1024 * 1024 + 17)


@pytest.fixture(scope="module")
def openssh(shared: Cluster, node: Node, alice: Account) -> OpenSsh:
    """OpenSSH for alice and the shared node."""
    return OpenSsh(alice, node)


def test_command_and_exit_status(openssh: OpenSsh) -> None:
    done = openssh.ssh(openssh.host, "cat; echo problem >&2; exit 7", stdin=PAYLOAD)

    assert done.returncode == 7, done.stderr
    assert done.stdout == PAYLOAD
    assert b"problem" in done.stderr


def test_jump(openssh: OpenSsh, shared: Cluster, node: Node) -> None:
    done = openssh.ssh("-J", f"root@127.0.0.1:{shared.ssh_port}", openssh.host, "echo $SSH_SESSION_ID")

    assert done.returncode == 0, done.stderr
    assert (
        shared.session_events(done.stdout.decode().strip(), "session.end")[0]["server_id"] == node.host_uuid
    )


def test_without_proxy(openssh: OpenSsh) -> None:
    done = openssh.run("ssh", *openssh.direct, openssh.host, "echo", "direct")

    assert (done.returncode, done.stdout) == (0, b"direct\n"), done.stderr


def test_many_sessions_over_one_connection(openssh: OpenSsh, tmp_path: Path) -> None:
    control = ["-o", f"ControlPath={tmp_path}/control", "-o", "ControlMaster=auto", "-o", "ControlPersist=30"]
    try:
        sids = {openssh.ssh(*control, openssh.host, "echo $SSH_SESSION_ID").stdout for _ in range(5)}
    finally:
        openssh.ssh(*control, "-O", "exit", openssh.host)

    assert len(sids) == 5
    assert b"\n" not in sids


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp protocol", "scp protocol"])
def test_scp(openssh: OpenSsh, tmp_path: Path, protocol: list[str]) -> None:
    source, there, back = (tmp_path / name for name in ("source", "there", "back"))
    source.write_bytes(PAYLOAD)
    options = [*protocol, *openssh.options, "-p"]

    up = openssh.run("scp", *options, str(source), f"{openssh.host}:{there}")
    down = openssh.run("scp", *options, f"{openssh.host}:{there}", str(back))
    missing = openssh.run("scp", *options, f"{openssh.host}:{tmp_path}/missing", str(back))

    assert (up.returncode, down.returncode) == (0, 0), up.stderr + down.stderr
    assert missing.returncode == 1
    assert there.read_bytes() == back.read_bytes() == PAYLOAD


def test_sftp(openssh: OpenSsh, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(PAYLOAD)
    made = tmp_path / "made"
    batch = f"mkdir {made}\nput {source} {made}/one\nrename {made}/one {made}/two\n"

    done = openssh.run("sftp", *openssh.options, "-b", "-", openssh.host, stdin=batch.encode())

    assert done.returncode == 0, done.stderr
    assert (made / "two").read_bytes() == PAYLOAD


def test_rsync(openssh: OpenSsh, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(20):
        (source / f"d{number % 3}").mkdir(parents=True, exist_ok=True)
        (source / f"d{number % 3}/{number}").write_bytes(PAYLOAD[: number * 1000])
    shell = " ".join(["ssh", *openssh.options])

    done = openssh.run("rsync", "-a", "-e", shell, f"{source}/", f"{openssh.host}:{tmp_path}/copy/")

    assert done.returncode == 0, done.stderr
    assert openssh.run("diff", "-r", str(source), f"{tmp_path}/copy").returncode == 0


def test_file_transfers_are_audited(openssh: OpenSsh, shared: Cluster, tmp_path: Path) -> None:
    source = tmp_path / "evidence"
    source.write_bytes(b"x")
    openssh.run("scp", *openssh.options, str(source), f"{openssh.host}:{tmp_path}/by-sftp")
    openssh.run("scp", "-O", *openssh.options, str(source), f"{openssh.host}:{tmp_path}/by-scp")

    until(lambda: [e for e in shared.events("sftp") if e["path"].endswith("/by-sftp")], 20, "an sftp event")
    (copied,) = until(lambda: [e for e in shared.events("scp") if "by-scp" in e["path"]], 20, "an scp event")
    assert (copied["code"], copied["action"]) == ("T3005I", "upload")


@pytest.fixture
def client(openssh: OpenSsh, node: Node) -> Iterator[paramiko.SSHClient]:
    """paramiko, connected to the node itself, checking its host certificate's key by hand."""
    key = paramiko.PKey.from_path(openssh.setting("identityfile"))
    key.load_certificate(openssh.setting("certificatefile"))
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            "127.0.0.1", node.port, "root", pkey=key, allow_agent=False, look_for_keys=False, timeout=30
        )
        yield client


def test_paramiko_command(client: paramiko.SSHClient) -> None:
    stdin, stdout, _ = client.exec_command("cat; exit 3", timeout=30)
    stdin.write(PAYLOAD)
    stdin.channel.shutdown_write()

    assert stdout.read() == PAYLOAD
    assert stdout.channel.recv_exit_status() == 3


def test_paramiko_sftp(client: paramiko.SSHClient, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(PAYLOAD)
    with client.open_sftp() as sftp:
        sftp.put(str(source), f"{tmp_path}/copy")
        assert sftp.stat(f"{tmp_path}/copy").st_size == len(PAYLOAD)
        assert sorted(sftp.listdir(str(tmp_path))) == ["copy", "source"]

    assert (tmp_path / "copy").read_bytes() == PAYLOAD
