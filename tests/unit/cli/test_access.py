# SPDX-License-Identifier: Apache-2.0
import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proctor.cli.profile import Profile
from proctor.cli.tsh import dial, openssh, replay, shell, status, transfer
from proctor.cli.tsh.connection import Active, known_hosts, profile_of
from proctor.cli.tsh.nodes import matching, parse_labels
from proctor.cli.tsh.nodes import text as nodes_text
from proctor.cli.tsh.web import proxy_address
from proctor.core.clock import SYSTEM
from proctor.core.errors import BadRequest, ProctorError
from proctor.model.resources import Metadata, Node, NodeSpec
from proctor.rpc.identity_files import Authorities, Credentials

PING: dict[str, object] = {
    "cluster_name": "purple",
    "server_version": "14.0.0",
    "proxy": {"ssh": {"listen_addr": "0.0.0.0:4023", "public_addr": ""}, "web": {}},
}


@pytest.fixture
def active(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Active:
    monkeypatch.setenv("TELEPORT_HOME", str(tmp_path))
    profile = Profile(
        web="proxy.example.com:3080",
        ssh="proxy.example.com:3023",
        user="alice",
        cluster="purple",
        version="14.0.0",
    )
    authorities = Authorities(
        cluster_name="purple", host_tls_ca=b"", user_tls_ca=b"", host_ssh_ca=["ssh-ed25519 AAAA"]
    )
    return Active(
        profile=profile,
        credentials=Credentials(tls_key=b"", tls_certificate=b"", authorities=authorities),
        logins=("deploy", "root"),
        roles=("access",),
        extensions=("permit-pty",),
        valid_before=SYSTEM.now() + timedelta(hours=2, minutes=5),
    )


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("proxy", "proxy:3080"),
        ("proxy:443", "proxy:443"),
        ("https://proxy/", "proxy:3080"),
        ("::1", "[::1]:3080"),
    ],
)
def test_proxy_addresses(given: str, address: str) -> None:
    assert proxy_address(given) == address


def test_a_proxy_that_listens_everywhere_is_dialled_where_its_page_is() -> None:
    profile = profile_of("proxy.example.com:3080", PING, user="alice", insecure=False)
    assert profile.ssh == "proxy.example.com:4023"
    named = {**PING, "proxy": {"ssh": {"listen_addr": "0.0.0.0:4023", "public_addr": "ssh.example.com:22"}}}
    assert profile_of("p:1", named, user="", insecure=False).ssh == "ssh.example.com:22"
    with pytest.raises(ProctorError, match="did not answer as a proxy"):
        profile_of("p:1", {"proxy": []}, user="", insecure=False)


def test_targets(active: Active, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "somebody")
    assert dial.parse_target("root@web", "", active) == dial.DialTarget("root", "web")
    assert dial.parse_target("root@web", "deploy", active) == dial.DialTarget("root", "web")
    assert dial.parse_target("web", "ops", active) == dial.DialTarget("ops", "web")
    assert dial.parse_target("web", "", active) == dial.DialTarget("deploy", "web"), (
        "the first that is allowed"
    )
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    assert dial.parse_target("web", "", active) == dial.DialTarget("root", "web")
    for wrong in ("", "@web", "root@", "-oProxyCommand=x", "root@-x"):
        with pytest.raises(BadRequest):
            dial.parse_target(wrong, "", active)


@pytest.mark.parametrize(
    ("paths", "upload", "sources", "destination"),
    [
        (["a", "b", "root@web:/tmp"], True, ("a", "b"), "/tmp"),
        (["root@web:x", "root@web:y", "."], False, ("x", "y"), "."),
        (["./a:b", "web:"], True, ("./a:b",), "."),
    ],
)
def test_copies(
    active: Active, paths: list[str], upload: bool, sources: tuple[str, ...], destination: str
) -> None:
    what = transfer.plan(active, "root", paths)
    assert (what.upload, what.sources, what.destination) == (upload, sources, destination)
    assert what.target == dial.DialTarget("root", "web")


@pytest.mark.parametrize("paths", [["a"], ["a", "b"], ["x:a", "y:b"], ["x:a", "b", "c"], ["x:a", "y:b", "c"]])
def test_copies_that_make_no_sense(active: Active, paths: list[str]) -> None:
    with pytest.raises(BadRequest):
        transfer.plan(active, "root", paths)


def test_openssh_configuration(active: Active) -> None:
    text = openssh.config(active, 3022)
    assert "Host *.purple proxy.example.com\n" in text
    assert "    ProxyJump deploy@proxy.example.com:3023\n" in text
    assert f'CertificateFile "{active.profile.keys}/ssh-cert.pub"' in text
    assert known_hosts(active.credentials) == "@cert-authority * ssh-ed25519 AAAA\n"


def test_status(active: Active) -> None:
    shown = status.describe(active)
    assert "> Profile URL:    https://proxy.example.com:3080" in shown
    assert "  Logged in as:   alice" in shown
    assert "[valid for 2h4m]" in shown
    assert "  Logins:         deploy, root" in shown
    assert status.as_data(active)["active"]["roles"] == ["access"]


def node(name: str, **labels: str) -> Node:
    spec = NodeSpec(hostname=name, addr="10.0.0.1:3022", labels=labels)
    return Node(metadata=Metadata(name=f"uuid-of-{name}"), spec=spec)


def test_nodes() -> None:
    found = [node("db", env="prod"), node("web", env="dev", os="linux")]
    assert matching(found, parse_labels(["env=dev,os=linux"]), "") == [found[1]]
    assert matching(found, {}, "prod") == [found[0]]
    assert nodes_text(found[:1], verbose=False).splitlines()[2] == "db        10.0.0.1:3022 env=prod"
    assert "uuid-of-db" in nodes_text(found, verbose=True)
    with pytest.raises(BadRequest):
        parse_labels(["env"])


NOW = datetime(2023, 7, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "last", "begin", "end"),
    [
        ("", "", "", NOW - timedelta(days=1), NOW),
        ("", "", "2h", NOW - timedelta(hours=2), NOW),
        ("2023-07-01", "", "", datetime(2023, 7, 1, tzinfo=UTC), NOW),
        ("2023-07-01", "2023-07-02", "", datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 7, 3, tzinfo=UTC)),
    ],
)
def test_periods(since: str, until: str, last: str, begin: datetime, end: datetime) -> None:
    assert replay.Period(since=since, until=until, last=last).bounds(NOW) == (begin, end)


@pytest.mark.parametrize(
    "flags",
    [("x", "", ""), ("", "x", ""), ("", "", "x"), ("2023-07-01", "", "1h"), ("2030-01-01", "2020-01-01", "")],
)
def test_periods_that_are_none(flags: tuple[str, str, str]) -> None:
    since, until, last = flags
    with pytest.raises(BadRequest):
        replay.Period(since=since, until=until, last=last).bounds(NOW)


@pytest.mark.parametrize(
    ("text", "forward"),
    [
        ("8080:db:5432", shell.Forward("127.0.0.1", 8080, "db", 5432)),
        ("0.0.0.0:8080:db:5432", shell.Forward("0.0.0.0", 8080, "db", 5432)),
        ("*:8080:db:5432", shell.Forward("", 8080, "db", 5432)),
        (":8080:db:5432", shell.Forward("", 8080, "db", 5432)),
        ("[::1]:8080:[2001:db8::1]:5432", shell.Forward("::1", 8080, "2001:db8::1", 5432)),
        ("65535:[::1]:1", shell.Forward("127.0.0.1", 65535, "::1", 1)),
    ],
)
def test_forwards(text: str, forward: shell.Forward) -> None:
    assert shell.parse_forward(text) == forward


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1:2",
        "a:b:c",
        "1:b:2:3:4",
        "80800:db:80",
        "80:db:65536",
        "0:db:80",
        "80:db:0",
        "80:db",
        "80::80",
        "a:80:db:80:9",
        "::1:80:db:80",
        "-1:db:80",
        "٣:db:80",
    ],
)
def test_forwards_that_cannot_be(text: str) -> None:
    with pytest.raises(BadRequest, match="-L"):
        shell.parse_forward(text)


def test_locale_goes_along_and_is_never_ascii_by_accident() -> None:
    given = {b"LANG": b"de_DE.UTF-8", b"LC_TIME": b"C", b"PATH": b"/bin", b"LCX": b"no"}
    assert shell.locale(given) == {b"LANG": b"de_DE.UTF-8", b"LC_TIME": b"C"}
    assert shell.locale({b"LC_TIME": b"C"}) == {b"LANG": b"C.UTF-8", b"LC_TIME": b"C"}
    assert shell.locale({b"LC_ALL": b"C"}) == {b"LC_ALL": b"C"}
