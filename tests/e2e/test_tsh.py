# SPDX-License-Identifier: Apache-2.0
"""What people do with tsh from day to day."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from testing.accounts import Account
from testing.cluster import Cluster, Node
from testing.commands import BIN, command
from testing.polling import until
from testing.processes import free_ports
from testing.sessions import ShellSession


def test_status_and_nodes(alice: Account, node: Node) -> None:
    status = alice.tsh("status").stdout
    assert re.search(r"Logged in as:\s+alice\n", status)
    assert re.search(r"Logins:\s+root\n", status)
    assert re.search(rf"^{node.name}\s+127.0.0.1:{node.port}", alice.tsh("ls").stdout, re.MULTILINE)
    assert node.host_uuid in alice.tsh("ls", "-v").stdout


def test_command(shared: Cluster, node: Node, alice: Account) -> None:
    done = alice.tsh(
        "ssh", f"root@{node.name}", "echo $SSH_SESSION_ID; echo problem >&2; exit 4", check=False
    )

    assert done.returncode == 4
    assert "problem" in done.stderr
    sid = done.stdout.strip()
    (executed,) = shared.session_events(sid, "exec")
    assert (executed["code"], executed["exitCode"]) == ("T3002E", "4")
    assert "exit 4" in executed["command"]
    (end,) = shared.session_events(sid, "session.end")
    assert end["interactive"] is False


def test_interactive_session(shared: Cluster, node: Node, alice: Account) -> None:
    with ShellSession(alice, f"root@{node.name}") as shell:
        assert "40 120" in shell.run("stty size")
        shell.terminal.resize(100, 30)
        until(lambda: "30 100" in shell.run("stty size"), 10, "the new size")
        inside = shell.run(f"{BIN}/teleport status")
        assert shell.exit(5) == 5

    assert shell.sid in inside
    assert "alice" in inside
    sizes = [event["size"] for event in shared.session_events(shell.sid, "resize")]
    assert sizes[-1] == "100:30"
    assert shared.session_events(shell.sid, "session.start")[0]["size"] == "120:40"
    (data,) = shared.session_events(shell.sid, "session.data")
    assert min(data["tx"], data["rx"]) > 0


def test_not_in_a_session(alice: Account) -> None:
    done = command(["teleport", "status"], alice.env, check=False)

    assert done.returncode == 1
    assert "not in a Teleport session" in done.stdout


def test_copy_there_and_back(node: Node, alice: Account, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "one").write_bytes(b"1" * 100_000)
    (tree / "below/two").write_text("2")

    alice.tsh("scp", "-r", str(tree), f"root@{node.name}:{tmp_path}/there")
    alice.tsh("scp", f"root@{node.name}:{tmp_path}/there/one", f"{tmp_path}/back")

    assert (tmp_path / "there/below/two").read_text() == "2"
    assert (tmp_path / "back").read_bytes() == (tree / "one").read_bytes()


def test_forwarded_port(shared: Cluster, node: Node, alice: Account) -> None:
    (local,) = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[1]
        with alice.terminal("ssh", "-N", "-L", f"{local}:127.0.0.1:{target}", f"root@{node.name}"):
            until(lambda: _listens(local), 20, "the forwarded port")
            client = socket.create_connection(("127.0.0.1", local), timeout=20)
            with client, server.accept()[0] as there:
                there.sendall(b"first word")
                assert client.recv(100) == b"first word"

    event = shared.wait_for_event("port", addr=f"127.0.0.1:{target}")
    assert event["success"] is True


def _listens(port: int) -> bool:
    """Is there a listening socket on this port of 127.0.0.1, as the kernel's table says?"""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return any(row[1] == f"0100007F:{port:04X}" and row[3] == "0A" for row in rows[1:])


def test_identity_file(shared: Cluster, node: Node, alice: Account, tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    shared.tctl("auth", "sign", "--user=alice", f"--out={identity}")
    assert identity.stat().st_mode & 0o077 == 0
    env = {**alice.env, "HOME": str(tmp_path)}

    identified = ["tsh", "-i", str(identity), f"--proxy={alice.proxy}", "--insecure"]
    done = command([*identified, "ssh", f"root@{node.name}", "echo", "in"], env)

    assert done.stdout == "in\n"


def test_logout(shared: Cluster) -> None:
    henry = shared.add_user("henry")
    henry.login()
    keys = list(henry.home.rglob("*.key"))
    assert keys

    henry.tsh("logout")

    assert not [path for path in keys if path.exists()]
    assert henry.tsh("ls", check=False).returncode != 0


def test_debug_shows_our_own_steps(node: Node, alice: Account) -> None:
    shown = alice.tsh("-d", "ssh", f"root@{node.name}", "true").stderr
    assert f"using the certificate of {alice.name} for the cluster purple" in shown
    assert f"connecting to {node.name} as root, through the proxy" in shown
    assert "node graviton-node accepted the certificate, server version" in shown
    assert "selector" not in shown
