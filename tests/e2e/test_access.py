# SPDX-License-Identifier: Apache-2.0
"""A refused login has a reason, for the user and in the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.accounts import WebRefusal
from testing.cluster import Cluster, Node
from testing.commands import BIN
from testing.terminal import Terminal

STRICT_ROLE = """\
kind: role
version: v7
metadata:
  name: database-admin
spec:
  allow:
    logins: [root]
    node_labels:
      environment: database
"""


def test_login_that_no_role_allows(shared: Cluster, node: Node) -> None:
    bob = shared.add_user("bob", logins="nobody", roles="access")
    bob.login()

    done = bob.tsh("ssh", f"root@{node.name}", "true", check=False)

    assert done.returncode != 0
    assert "root" in done.stderr
    refused = shared.wait_for_event("auth", user="bob")
    assert refused["code"] == "T3007W"
    assert refused["success"] is False
    assert "root" in refused["error"]
    assert not shared.events("session.start", user="bob")


def test_host_whose_labels_no_role_matches(shared: Cluster, node: Node, tmp_path: Path) -> None:
    role = tmp_path / "role.yaml"
    role.write_text(STRICT_ROLE)
    shared.tctl("create", "-f", str(role))
    carol = shared.add_user("carol", roles="database-admin")
    carol.login()

    assert node.name not in carol.tsh("ls").stdout
    done = carol.tsh("ssh", f"root@{node.name}", "true", check=False)

    assert done.returncode != 0
    assert not shared.events("session.start", user="carol")


def test_role_changes_are_audited(shared: Cluster, tmp_path: Path) -> None:
    role = tmp_path / "role.yaml"
    role.write_text(STRICT_ROLE.replace("database-admin", "short-lived"))
    shared.tctl("create", str(role))
    shared.tctl("create", "-f", str(role))
    shared.tctl("rm", "role/short-lived")

    for event, code in (("role.created", "T9000I"), ("role.updated", "T9002I"), ("role.deleted", "T9001I")):
        assert shared.wait_for_event(event, name="short-lived")["code"] == code


def test_wrong_password_and_wrong_code(shared: Cluster) -> None:
    dave = shared.add_user("dave")
    argv = [str(BIN / "tsh"), "login", f"--proxy={dave.proxy}", "--user=dave", "--insecure"]
    for password, code in (("wrong", dave.code()), (dave.password, "000000")):
        with Terminal(argv, env=dave.env) as terminal:
            terminal.expect("(?i)password")
            terminal.line(password)
            terminal.expect("(?i)(one-time|otp|code)")
            terminal.line(code)
            assert terminal.wait() != 0
            assert "Traceback" not in terminal.text()
            assert password not in terminal.text()

    failed = shared.events("user.login", user="dave", success=False)
    assert [event["code"] for event in failed] == ["T1000W", "T1000W"]
    assert not shared.events("user.login", user="dave", success=True)


def test_code_is_not_accepted_twice(shared: Cluster) -> None:
    erin = shared.add_user("erin")
    code = erin.code()
    erin.login(code=code)

    with pytest.raises(AssertionError, match=r"(?i)code"):
        erin.login(code=code)


def test_invitation_is_good_for_once(shared: Cluster) -> None:
    output = shared.tctl("users", "add", "frank", "--roles=access", "--logins=root").stdout
    token = output.partition("/web/invite/")[2].split()[0]
    shared.tctl("users", "rm", "frank")

    grace = shared.add_user("grace")
    for used in (token, "0" * 32):
        with pytest.raises(WebRefusal) as refused:
            grace.web("GET", f"/webapi/invites/{used}")
        assert refused.value.status == 404
