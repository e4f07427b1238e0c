# SPDX-License-Identifier: Apache-2.0
"""``tctl`` and ``tsh`` against a real auth service and proxy."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.accounts import Account
from testing.cluster import Cluster
from testing.commands import BIN, command, environment


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(Path(directory))
        cluster.start()
        yield cluster
        cluster.stop()


@pytest.fixture(scope="module")
def account(cluster: Cluster) -> Account:
    account = cluster.add_user("alice@example.com", logins="root,deploy")
    account.login()
    return account


def test_status_names_cluster_version_and_pin(cluster: Cluster) -> None:
    lines = dict(re.split(r" {2,}", line) for line in cluster.tctl("status").stdout.splitlines())
    assert lines["Cluster"] == "purple"
    assert lines["Version"] == "14.0.0"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", lines["CA pin"])


def test_an_invitation_has_all_that_a_host_needs(cluster: Cluster) -> None:
    made = json.loads(cluster.tctl("nodes", "add", "--ttl=90s", "--format=json").stdout)
    text = cluster.tctl("nodes", "add", "--ttl=5m", "--roles=node,proxy").stdout
    assert made["roles"] == ["node"]
    assert made["ca_pins"][0] in text
    assert "This token will expire in 5 minutes." in text
    assert "--roles=node,proxy" in text
    assert f"--auth-server={cluster.proxy}" in text


def test_the_hosts_own_token_is_nobodys_business(cluster: Cluster) -> None:
    listed = json.loads(cluster.tctl("tokens", "ls", "--format=json").stdout)
    assert [token for token in listed if "expires" not in token["metadata"]] == []


def test_documents_round_trip(cluster: Cluster, tmp_path: Path) -> None:
    document = "kind: role\nversion: v7\nmetadata:\n  name: dba\nspec:\n  allow:\n    logins:\n    - root\n"
    path = tmp_path / "role.yaml"
    path.write_text(document)
    assert 'role "dba" has been stored' in cluster.tctl("create", str(path)).stdout
    again = cluster.tctl("create", str(path), check=False)
    assert (again.returncode, "exists" in again.stderr) == (1, True)
    path.write_text(cluster.tctl("get", "role/dba").stdout.replace("- root", "- admin"))
    cluster.tctl("create", "-f", str(path))
    (stored,) = json.loads(cluster.tctl("get", "role/dba", "--format=json").stdout)
    assert stored["spec"]["allow"]["logins"] == ["admin"]
    assert "dba" in cluster.tctl("get", "roles", "--format=text").stdout
    cluster.tctl("rm", "role/dba")
    assert cluster.tctl("get", "role/dba", check=False).returncode == 1


EXPORTED = """\
kind: role
version: v6
metadata: {name: exported, revision: 5c1b}
spec:
  allow:
    logins: ['{{internal.logins}}']
    app_labels: {'*': '*'}
    node_labels_expression: 'labels["env"] == "dev"'
  deny:
  options: {forward_agent: true, device_trust_mode: "", idp: {saml: {enabled: true}}}
---
kind: token
version: v2
metadata: {name: cloud}
spec: {roles: [Node, Kube], join_method: iam, allow: [{aws_account: '1'}]}
"""


def test_documents_of_another_cluster(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "exported.yaml"
    path.write_text(EXPORTED)
    created = cluster.tctl("create", "-f", str(path))
    assert [line.split(": ")[2] for line in created.stderr.splitlines()] == [
        "spec.allow.app_labels",
        "spec.options.forward_agent",
        "spec.options.idp",
        "spec.join_method",
    ]
    (stored,) = json.loads(cluster.tctl("get", "role/exported", "--format=json").stdout)
    assert stored["spec"]["allow"]["app_labels"] == {"*": "*"}
    assert re.search(r"^cloud +Node,Kube +never", cluster.tctl("tokens", "ls").stdout, re.MULTILINE)
    path.write_text(cluster.tctl("get", "role/exported").stdout)
    cluster.tctl("create", "-f", str(path))
    for name in ("role/exported", "token/cloud"):
        cluster.tctl("rm", name)


def test_all_mistakes_of_a_file_at_once(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(EXPORTED.replace('""', "required").replace("Kube", "Kub"))
    refused = cluster.tctl("create", "-f", str(path), check=False)
    assert refused.returncode == 2
    first, second = refused.stderr.splitlines()
    assert "spec.options.device_trust_mode: devices are not checked" in first
    assert "spec.roles: Kub: not known" in second
    assert cluster.tctl("get", "role/exported", check=False).returncode == 1, "nothing of the file is stored"


def test_users(cluster: Cluster) -> None:
    added = cluster.tctl("users", "add", "carol", "--roles=access", "--logins=root").stdout
    assert re.search(rf"https://{cluster.proxy}/web/invite/[0-9a-f]{{32}}", added)
    cluster.tctl("users", "update", "carol", "--set-roles=auditor", "--set-logins=")
    assert re.search(r"^carol +auditor *$", cluster.tctl("users", "ls").stdout, re.MULTILINE)
    assert "/web/reset/" in cluster.tctl("users", "reset", "carol").stdout
    cluster.tctl("users", "rm", "carol")
    assert "carol" not in cluster.tctl("users", "ls").stdout


def test_exported_authorities(cluster: Cluster) -> None:
    assert cluster.tctl("auth", "export").stdout.startswith("cert-authority ssh-ed25519 ")
    assert cluster.tctl("auth", "export", "--type=host").stdout.startswith("@cert-authority *.purple,purple ")
    assert "BEGIN CERTIFICATE" in cluster.tctl("auth", "export", "--type=tls-host").stdout


def test_login_shows_who_we_are(cluster: Cluster, account: Account) -> None:
    shown = account.tsh("status").stdout
    assert f"Profile URL:    https://{cluster.proxy}" in shown
    assert "Logged in as:   alice@example.com" in shown
    assert "Roles:          access, editor, auditor" in shown
    assert "Logins:         deploy, root" in shown
    assert "[valid for 1" in shown
    version = account.tsh("version").stdout.splitlines()
    assert version[1:] == ["Proxy version: 14.0.0", f"Proxy: {cluster.proxy}"]


def test_tctl_acts_with_the_login_of_tsh(cluster: Cluster, account: Account) -> None:
    done = command(["tctl", "status"], account.env)
    assert done.stdout == cluster.tctl("status").stdout


def test_no_nodes_and_no_recordings_yet(account: Account) -> None:
    assert account.tsh("ls").stdout.splitlines()[0] == "Node Name Address Labels"
    assert json.loads(account.tsh("ls", "--format=json").stdout) == []
    assert json.loads(account.tsh("recordings", "ls", "--last=1h", "--format=json").stdout) == []


def test_unknown_nodes_and_recordings(account: Account) -> None:
    done = account.tsh("ssh", "root@nowhere", "true", check=False)
    assert done.returncode == 1
    assert done.stderr == "ERROR: node nowhere not found, or access to it denied\nList nodes with: tsh ls\n"
    sid = "86aca627-971d-4883-854d-d309ba04c658"
    done = account.tsh("play", sid, check=False)
    assert done.returncode == 1
    assert sid in done.stderr


def test_an_identity_file_needs_no_login(cluster: Cluster, account: Account, tmp_path: Path) -> None:
    path = tmp_path / "identity"
    cluster.tctl("auth", "sign", f"--user={account.name}", f"--out={path}", "--ttl=5m")
    assert path.stat().st_mode & 0o777 == 0o600
    env = environment(tmp_path)
    flags = ["-i", str(path), f"--proxy={cluster.proxy}", "--insecure"]
    assert "Node Name" in command(["tsh", *flags, "ls"], env).stdout
    assert "Node Name" in command(["tsh", "ls", *flags], env).stdout
    assert account.name in command(["tsh", "status", *flags], env).stdout
    assert (
        "Cluster"
        in command(["tctl", "-i", str(path), f"--auth-server={cluster.proxy}", "status"], env).stdout
    )
    assert not (tmp_path / ".tsh").exists()
    again = cluster.tctl("auth", "sign", f"--user={account.name}", f"--out={path}", check=False)
    assert "Give --overwrite" in again.stderr


def test_a_self_signed_proxy_is_not_trusted_silently(cluster: Cluster, tmp_path: Path) -> None:
    done = command(
        ["tsh", "login", f"--proxy={cluster.proxy}", "--user=a"], environment(tmp_path), check=False
    )
    assert done.returncode == 1
    assert "is not trusted" in done.stderr
    assert "--insecure" in done.stderr


def test_login_without_a_terminal_and_logout(cluster: Cluster) -> None:
    account = cluster.add_user("dave")
    argv = [str(BIN / "tsh"), "login", "--user=dave", "--ttl=10", "--insecure"]
    done = subprocess.run(
        argv,
        input=f"{account.password}\n{account.code()}\n",
        env={**account.env, "TELEPORT_PROXY": cluster.proxy},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.search(r"valid for 0h(9|10)m", done.stdout)
    assert account.password not in done.stdout + done.stderr
    keys = list((account.home / ".tsh").rglob("ssh.key"))
    assert len(keys) == 1
    assert keys[0].stat().st_mode & 0o777 == 0o600
    assert account.tsh("logout").stdout == "Logged out dave from purple.\n"
    assert not keys[0].exists()
    assert account.tsh("ls", check=False).returncode == 1


def test_openssh_accepts_the_configuration(account: Account, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(account.tsh("config").stdout)
    shown = command(["ssh", "-F", str(path), "-G", "web.purple"], account.env).stdout
    assert re.search(r"^proxyjump deploy@\[127\.0\.0\.1\]:\d+$", shown, re.MULTILINE)
    assert re.search(r"^certificatefile .*ssh-cert\.pub$", shown, re.MULTILINE)


def edit(
    cluster: Cluster, directory: Path, script: str, what: str = "role/dba"
) -> subprocess.CompletedProcess[str]:
    """``tctl edit`` with an editor that runs ``script`` of sed on the file."""
    argv = [str(BIN / "tctl"), "-c", f"{cluster.directory}/control/teleport.yaml", "edit", what]
    env = {**environment(directory), "EDITOR": f"sed -i '{script}'"}
    return subprocess.run(argv, env=env, cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture
def role(cluster: Cluster, tmp_path: Path) -> Iterator[None]:
    path = tmp_path / "role.yaml"
    path.write_text("kind: role\nversion: v7\nmetadata: {name: dba}\nspec: {allow: {logins: [root]}}\n")
    cluster.tctl("create", str(path))
    yield
    cluster.tctl("rm", "role/dba")


def test_edit(cluster: Cluster, role: None, tmp_path: Path) -> None:
    assert edit(cluster, tmp_path, "s/- root/- admin/").stdout == 'role "dba" has been stored\n'
    (stored,) = json.loads(cluster.tctl("get", "role/dba", "--format=json").stdout)
    assert stored["spec"]["allow"]["logins"] == ["admin"]
    assert edit(cluster, tmp_path, "").stdout == 'role "dba" has not been changed\n'


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("s/logins/lgoins/", "unknown key"),
        ("s/name: dba/name: other/", "kind and name must stay"),
        ("s/^kind/- kind/", "role/dba"),
    ],
)
def test_edit_that_is_wrong_keeps_what_was_written(
    cluster: Cluster, role: None, tmp_path: Path, script: str, message: str
) -> None:
    before = cluster.tctl("get", "role/dba").stdout
    done = edit(cluster, tmp_path, script)
    assert done.returncode == 2
    assert message in done.stderr
    kept = tmp_path / "role-dba.rejected.yaml"
    assert f"What you wrote is in {kept}" in done.stderr
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text() != before
    assert cluster.tctl("get", "role/dba").stdout == before


def test_edit_with_an_editor_that_fails(cluster: Cluster, role: None, tmp_path: Path) -> None:
    argv = [str(BIN / "tctl"), "-c", f"{cluster.directory}/control/teleport.yaml", "edit", "role/dba"]
    for editor, message in (("false", "ended with status 1"), ("/no/such", "cannot be started")):
        env = {**environment(tmp_path), "EDITOR": editor}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, message in done.stderr) == (1, True)
