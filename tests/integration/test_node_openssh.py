# SPDX-License-Identifier: Apache-2.0
"""OpenSSH's clients against a node: commands, files, exit statuses, refusals."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from proctor.captureproto.byte_text import to_bytes
from proctor.model.resources import RoleOptions
from testing.node import NodeUnderTest, Person, role
from testing.polling import auntil

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the spawner needs root")
PAYLOAD = os.urandom(3_000_017)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node that serves."""
    node = NodeUnderTest(tmp_path)
    node.set_roles(
        role("access", logins=[node.login]),
        role("ghosts", logins=["no-such-account"]),
        role("no-copies", logins=[node.login], options=RoleOptions(ssh_file_copy=False)),
        role("elsewhere", logins=[node.login], env="production"),
    )
    async with node.running():
        yield node


@pytest.fixture
def alice(node: NodeUnderTest) -> Person:
    """Somebody who may log in."""
    return node.person()


@pytest.fixture
def files() -> Iterator[Path]:
    """A directory that every account may write to, with a source file in it.

    Not below pytest's own, which every start of pytest closes to other accounts.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o777)
        (directory / "source").write_bytes(PAYLOAD)
        (directory / "source").chmod(0o644)
        yield directory


async def test_commands_and_names_in_any_encoding(node: NodeUnderTest, alice: Person, files: Path) -> None:
    done = await alice.run(
        "ssh",
        *alice.options,
        "-oSendEnv=LC_TEST",
        alice.target,
        b"printf '%s \xe4\xf6' \"$LC_TEST\" | od -An -tx1".decode(errors="surrogateescape"),
        env={"LC_TEST": "\udcfc"},
    )
    assert (done.status, done.stdout.split()) == (0, b"fc 20 e4 f6".split())
    (event,) = await auntil(lambda: node.events("exec"))
    assert to_bytes(event["command"]) == b"printf '%s \xe4\xf6' \"$LC_TEST\" | od -An -tx1"

    name = os.fsencode(files) + b"/b\xfcro"
    os.rename(files / "source", name)
    for flags in (["-O"], []):
        target = f"{alice.target}:{os.fsdecode(name)}"
        done = await alice.run("scp", *flags, *alice.options, target, f"{files}/copy")
        assert (done.status, (files / "copy").read_bytes() == PAYLOAD) == (0, True)
    (scp,) = await auntil(lambda: node.events("scp"))
    assert to_bytes(scp["path"]) == name
    (opened,) = await auntil(lambda: node.events("sftp", action=1))
    assert to_bytes(opened["path"]) == name


async def test_subsystem_and_terminal_with_odd_names(node: NodeUnderTest, alice: Person) -> None:
    done = await alice.run("ssh", *alice.options, "-s", alice.target, "\udce4")
    assert done.status == 255
    assert "subsystem request failed" in done.stderr
    done = await alice.run("ssh", "-tt", *alice.options, alice.target, "echo $TERM", env={"TERM": "\udce4"})
    assert (done.status, done.stdout.strip()) == (0, b"dumb")


async def test_command(node: NodeUnderTest, alice: Person) -> None:
    done = await alice.ssh("cat; echo problem >&2; exit 7", stdin=PAYLOAD)

    assert (done.status, done.stdout == PAYLOAD) == (7, True)
    assert done.stderr.endswith("problem\n")
    (event,) = await auntil(lambda: node.events("exec"))
    assert event["code"] == "T3002E"
    assert event["exitCode"] == "7"
    assert (event["user"], event["login"]) == ("alice", node.login)


async def test_output_is_whole_although_the_client_pauses_reading(alice: Person) -> None:
    count = 400_000
    command = f"ssh {' '.join(alice.options)} {alice.target} 'seq {count}; exit 5' | (sleep 0.3; cksum)"

    done = await alice.run("bash", "-o", "pipefail", "-c", command)
    expected = await alice.run("bash", "-c", f"seq {count} | cksum")

    assert done.status == 5, done.stderr
    assert done.stdout == expected.stdout


async def test_environment_is_the_users_own(node: NodeUnderTest, alice: Person) -> None:
    done = await alice.run(
        "ssh",
        *alice.options,
        *("-o", "SendEnv=LC_ALL SECRET"),
        alice.target,
        "env",
        env={"LC_ALL": "C.UTF-8", "SECRET": "x"},
    )

    found = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)
    assert found["USER"] == found["LOGNAME"] == node.login
    assert found["LC_ALL"] == "C.UTF-8"
    assert found["SSH_TELEPORT_USER"] == "alice"
    assert found["SSH_TELEPORT_CLUSTER_NAME"] == "purple"
    assert found["SSH_TELEPORT_HOST_UUID"] == node.boot.host_uuid
    assert len(found["SSH_SESSION_ID"]) == 36
    assert "SECRET" not in found
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & found.keys()


async def test_nothing_leaks_into_the_session(alice: Person) -> None:
    done = await alice.ssh("ls /proc/self/fd; grep -E 'NoNewPrivs|SigIgn|SigBlk|CapPrm' /proc/self/status")

    descriptors = done.stdout.decode().split("Sig")[0].split()
    status = dict(line.split(":\t") for line in done.stdout.decode().splitlines() if ":" in line)
    assert descriptors == ["0", "1", "2", "3"]
    assert status["NoNewPrivs"] == "0"
    assert int(status["SigIgn"], 16) == int(status["SigBlk"], 16) == 0


async def test_death_by_signal(node: NodeUnderTest, alice: Person) -> None:
    done = await alice.ssh("kill -TERM $$")

    assert done.status == 255
    (event,) = await auntil(lambda: node.events("exec"))
    assert event["exitError"] == "killed by signal TERM"


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp protocol", "scp protocol"])
async def test_scp(alice: Person, files: Path, protocol: list[str]) -> None:
    flags = [*protocol, *alice.options, "-p"]
    up = await alice.run("scp", *flags, str(files / "source"), f"{alice.target}:{files}/there")
    down = await alice.run("scp", *flags, f"{alice.target}:{files}/there", str(files / "back"))
    missing = await alice.run("scp", *flags, f"{alice.target}:{files}/missing", str(files / "back"))

    assert (up.status, down.status, missing.status) == (0, 0, 1), up.stderr + down.stderr
    assert (files / "there").read_bytes() == (files / "back").read_bytes() == PAYLOAD
    assert up.stderr == ""


async def test_scp_is_audited(node: NodeUnderTest, alice: Person, files: Path) -> None:
    await alice.run("scp", "-O", *alice.options, str(files / "source"), f"{alice.target}:{files}/there")

    (event,) = await auntil(lambda: node.events("scp"))
    assert (event["code"], event["action"], event["path"]) == ("T3005I", "upload", f"{files}/there")
    assert event["exitCode"] == "0"
    assert not node.events("exec")


async def test_sftp(node: NodeUnderTest, alice: Person, files: Path) -> None:
    batch = f"""
        mkdir {files}/made
        put {files}/source {files}/made/one
        rename {files}/made/one {files}/made/two
        ln -s two {files}/made/link
        rm {files}/made/link
    """
    done = await alice.run("sftp", *alice.options, "-b", "-", alice.target, stdin=batch.encode())

    assert done.status == 0, done.stderr
    assert (files / "made/two").read_bytes() == PAYLOAD
    await auntil(lambda: node.events("subsystem", code="T3001I"))
    codes = [event["code"] for event in node.events("sftp")]
    assert codes == ["TS012I", "TS001I", "TS016I", "TS018I", "TS011I"]
    (renamed,) = node.events("sftp", code="TS016I")
    assert (renamed["path"], renamed["target_path"]) == (f"{files}/made/one", f"{files}/made/two")
    (summary,) = node.events("sftp_summary")
    assert summary["file_transfer_stats"] == [
        {"path": f"{files}/made/one", "bytes_read": 0, "bytes_written": len(PAYLOAD)}
    ]


async def test_sftp_is_done_with_the_rights_of_the_user(node: NodeUnderTest, alice: Person) -> None:
    if node.login == "root":
        pytest.skip("there is no other account on this machine")
    done = await alice.run(
        "sftp", *alice.options, "-b", "-", alice.target, stdin=b"get /etc/shadow /dev/null\n"
    )

    assert done.status == 1
    (event,) = await auntil(lambda: node.events("sftp", code="TS001E"))
    assert (event["path"], event["error"]) == ("/etc/shadow", "Permission denied")


async def test_file_copies_can_be_forbidden(node: NodeUnderTest, files: Path) -> None:
    bob = node.person("bob", roles=["no-copies"])

    for protocol in ([], ["-O"]):
        done = await bob.run("scp", *protocol, *bob.options, str(files / "source"), f"{bob.target}:{files}/x")
        assert done.status != 0
        assert "not allowed" in done.stderr
    assert len(await auntil(lambda: node.events("sftp", code="TS020E"))) == 1
    assert len(await auntil(lambda: node.events("scp", code="T3010E"))) == 1


async def test_rsync(alice: Person, files: Path) -> None:
    shell = " ".join(["ssh", *alice.options])
    for number in range(20):
        (files / f"tree/d{number % 3}").mkdir(parents=True, exist_ok=True)
        (files / f"tree/d{number % 3}/{number}").write_bytes(PAYLOAD[: number * 1000])

    done = await alice.run("rsync", "-a", "-e", shell, f"{files}/tree/", f"{alice.target}:{files}/copy/")

    assert done.status == 0, done.stderr
    assert (await alice.run("diff", "-r", f"{files}/tree", f"{files}/copy")).status == 0


async def test_many_sessions_over_one_connection(node: NodeUnderTest, alice: Person) -> None:
    control = ["-o", f"ControlPath={alice.home}/c", "-o", "ControlMaster=auto", "-o", "ControlPersist=30"]
    command = ["ssh", *control, *alice.options, alice.target]
    try:
        sids = {(await alice.run(*command, "echo $SSH_SESSION_ID")).stdout for _ in range(4)}
    finally:
        await alice.run("ssh", *control, "-O", "exit", *alice.options, alice.target)

    assert len(sids) == 4


async def test_refusals_say_why_and_are_audited(node: NodeUnderTest, alice: Person) -> None:
    expired = node.person("old", ttl=timedelta(seconds=-1))
    unknown = node.person("eve", roles=["nonesuch"])
    outsider = node.person("bob", roles=["elsewhere"])
    cases = [
        (await alice.ssh("true", login="daemon"), "the certificate of alice does not allow login daemon"),
        (await expired.ssh("true"), "the certificate has expired; log in again"),
        (await outsider.ssh("true"), "no role of user bob allows access to this node"),
        (await unknown.ssh("true"), "role nonesuch of the certificate is not known to this node"),
    ]

    for done, reason in cases:
        assert done.status == 255
        assert reason in done.stderr
        (event,) = await auntil(functools.partial(node.events, "auth", error=reason))
        assert (event["code"], event["success"]) == ("T3007W", False)


async def test_a_plain_key_is_refused(node: NodeUnderTest, alice: Person) -> None:
    (alice.home / "id-cert.pub").unlink()

    done = await alice.ssh("-b127.0.0.9", "true")

    assert done.status == 255
    (event,) = await auntil(lambda: node.events("auth"))
    assert event["addr.remote"].startswith("127.0.0.9:")
    assert event["addr.local"] == f"127.0.0.1:{alice.port}"
    assert event["error"] == "no certificate of this cluster was offered"


async def test_a_login_without_account_is_refused_by_the_spawner(node: NodeUnderTest) -> None:
    ghost = node.person("ghost", roles=["ghosts"], logins=["no-such-account"])

    done = await ghost.ssh("true", login="no-such-account")

    assert done.status == 254
    assert "login no-such-account does not exist on this host" in done.stderr
    (event,) = await auntil(lambda: node.events("session.rejected"))
    assert event["reason"] == "login no-such-account does not exist on this host"
