# SPDX-License-Identifier: Apache-2.0
"""The web API over real HTTPS, in front of a real auth service."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.routing import APIRoute

from proctor.core.clock import SYSTEM
from proctor.core.limits.rates import BURST
from proctor.core.version import VERSION
from proctor.model.events import SessionEnd
from proctor.model.stamp import stamped, to_line
from proctor.proxy.web.app import ROUTERS
from proctor.recording.upload import Replicator
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc._pb import record_pb2
from proctor.sshkit import keys
from testing.attestations import ClusterAttestations
from testing.auth import PASSWORD, otp_code, running_auth
from testing.polling import auntil
from testing.proxy import RunningProxy, running_proxy
from testing.records import SID, small_recording

PUBLIC = {"/webapi/", "/web", "/"}


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[RunningProxy]:
    (tmp_path / "auth").mkdir()
    async with running_auth(tmp_path / "auth") as auth, running_proxy(auth, tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture
async def browser(proxy: RunningProxy) -> AsyncIterator[httpx.AsyncClient]:
    async with proxy.browser(origin=f"https://{proxy.web}") as browser:
        yield browser


async def log_in(proxy: RunningProxy, browser: httpx.AsyncClient, name: str, *roles: str) -> Any:
    secret = await proxy.auth.add_user(name, list(roles), ["root"], proxy.credentials)
    body = {"user": name, "password": PASSWORD, "otp_token": otp_code(secret)}
    answer = await browser.post("/v1/webapi/session", json=body)
    assert answer.status_code == 200, answer.text
    session = answer.json()
    browser.headers["x-csrf-token"] = session["csrf_token"]
    return session


async def test_ping(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    answer = (await browser.get("/webapi/ping")).json()

    assert answer["cluster_name"] == "purple"
    assert (answer["server_version"], answer["auth"]) == (VERSION, {"second_factor": "otp"})
    assert answer["proxy"]["ssh"]["listen_addr"] == proxy.ssh


async def test_a_client_of_a_newer_major_is_refused(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/webapi/ping", headers={"X-Proctor-Version": "99.0.0"})

    assert answer.status_code == 426
    assert "99.0.0" in answer.json()["error"]["message"]


async def test_certificates_for_tsh(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    secret = await proxy.auth.add_user("alice", ["access"], ["root"], proxy.credentials)
    request = {
        "user": "alice",
        "password": PASSWORD,
        "otp_token": otp_code(secret),
        "pub_key": keys.generate()[1],
        "tls_pub_key": tls.public_key(tls.generate_key()).decode(),
        "ttl": 600,
    }
    answer = await browser.post("/webapi/ssh/certs", json=request)
    again = await browser.post("/webapi/ssh/certs", json=request)

    issued = answer.json()
    assert answer.status_code == 200, issued
    assert issued["cert"].startswith("ssh-ed25519-cert-v01@openssh.com ")
    assert issued["user_ssh_ca"] == proxy.credentials.authorities.user_ssh_ca
    assert (again.status_code, again.json()["error"]["message"]) == (
        401,
        "invalid username, password or one-time code",
    )
    logins = proxy.auth.events("user.login")
    assert [event["success"] for event in logins] == [True, False]
    assert logins[0]["addr.remote"].startswith("127.0.0.1:")


async def test_invitation(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    request = pb.CreateUserRequest(name="bob", roles=["access"], logins=["root"])
    link = await proxy.auth.call(proxy.auth.admin, "auth.CreateUser", request)
    url = f"/webapi/invites/{link.token}"

    invite = (await browser.get(url)).json()
    secret = parse_qs(urlsplit(invite["otp_uri"]).query)["secret"][0]
    wrong = await browser.post(url, json={"password": "long enough", "otp_token": "000000"})
    short = await browser.post(url, json={"password": "short", "otp_token": otp_code(secret, -1)})
    accepted = await browser.post(url, json={"password": "long enough", "otp_token": otp_code(secret)})
    used = await browser.get(url)

    assert invite["user"] == "bob"
    assert invite["qr_svg"].startswith("<svg ")
    assert (wrong.status_code, short.status_code, used.status_code) == (400, 400, 404)
    assert accepted.json() == {"user": "bob"}


async def test_public_keys(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    authorities = proxy.credentials.authorities

    user = await browser.get("/webapi/auth/export", params={"type": "user"})
    host = await browser.get("/webapi/auth/export", params={"type": "host"})
    other = await browser.get("/webapi/auth/export", params={"type": "private"})

    assert user.text == f"cert-authority {authorities.user_ssh_ca[0]} clustername=purple&type=user\n"
    assert host.text.startswith(f"@cert-authority *.purple,purple {authorities.host_ssh_ca[0]}")
    assert other.status_code == 400


async def test_a_session_from_login_to_logout(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    session = await log_in(proxy, browser, "carol", "auditor")
    (cookie,) = browser.cookies.jar

    assert (session["user"], session["roles"]) == ("carol", ["auditor"])
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert (await browser.get("/v1/webapi/session")).json() == session

    value = cookie.value
    assert (await browser.delete("/v1/webapi/session")).status_code == 200
    assert not list(browser.cookies.jar)
    replayed = await browser.get("/v1/webapi/session", headers={"cookie": f"{cookie.name}={value}"})
    assert replayed.status_code == 401


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-csrf-token", ""),
        ("x-csrf-token", "guessed"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ],
)
async def test_forged_requests_change_nothing(
    browser: httpx.AsyncClient, proxy: RunningProxy, header: str, value: str
) -> None:
    await log_in(proxy, browser, "carol", "auditor")

    forged = await browser.delete("/v1/webapi/session", headers={header: value})

    assert forged.status_code == 403
    assert (await browser.get("/v1/webapi/session")).status_code == 200


async def test_a_request_without_origin_changes_nothing(
    browser: httpx.AsyncClient, proxy: RunningProxy
) -> None:
    await log_in(proxy, browser, "carol", "auditor")
    del browser.headers["origin"]

    assert (await browser.delete("/v1/webapi/session")).status_code == 403


async def test_a_form_of_another_page_cannot_log_in(browser: httpx.AsyncClient) -> None:
    del browser.headers["origin"]
    answer = await browser.post("/v1/webapi/session", data={"user": "a", "password": "b", "otp_token": "c"})

    assert answer.status_code == 403


def routes() -> list[tuple[str, str]]:
    found = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [(method, route.path) for route in found for method in sorted(route.methods or ())]


@pytest.mark.parametrize(("method", "path"), routes())
async def test_every_route_without_a_session(browser: httpx.AsyncClient, method: str, path: str) -> None:
    url = path.replace("{sid}", "5bd3bb25-4b21-4d9b-9d55-3d7c7e9d7f6b")
    url = url.replace("{token}", "0" * 32).replace("{path:path}", "x")

    answer = await browser.request(method, url, json={} if method == "POST" else None)

    public = any(path == prefix or (prefix != "/" and path.startswith(prefix)) for prefix in PUBLIC)
    logs_in = (method, path) == ("POST", "/v1/webapi/session")
    assert (answer.status_code == 401) == (not public and not logs_in), answer.text
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("path", ["/v1/webapi/events", "/v1/webapi/recordings"])
async def test_what_a_person_without_the_role_sees(
    browser: httpx.AsyncClient, proxy: RunningProxy, path: str
) -> None:
    await log_in(proxy, browser, "dave", "access")

    answer = await browser.get(path)

    if path.endswith("events"):
        assert answer.status_code == 403
        assert "no role of user dave allows list on event" in answer.json()["error"]["message"]
    else:
        assert answer.json()["recordings"] == []


async def test_a_recording_that_is_not_there(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    await log_in(proxy, browser, "carol", "auditor")

    missing = await browser.get("/v1/webapi/recordings/5bd3bb25-4b21-4d9b-9d55-3d7c7e9d7f6b")
    malformed = await browser.get("/v1/webapi/recordings/..%2f..%2fetc")

    assert (missing.status_code, malformed.status_code) == (404, 404)
    assert (await browser.get("/v1/webapi/recordings/etc")).status_code == 400


async def test_a_recording(browser: httpx.AsyncClient, proxy: RunningProxy, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    directory = small_recording(tmp_path / "node")
    host_id, node = await proxy.auth.join("node")
    client = proxy.auth.client(node)
    replicator = Replicator(directory, lambda: client, host_id, emit=lambda _: None)
    replicating = asyncio.create_task(replicator.run())
    assert await replicator.completed(SID, 20)
    replicating.cancel()
    proofs = await ClusterAttestations.of(proxy.auth, host_id, node)
    end = SessionEnd(sid=SID, server_id=host_id, participants=["carol"], enhanced_recording=True)
    lines = [to_line(stamped(event, SYSTEM.now(), "purple")) for event in (proofs.event(SID, "carol"), end)]
    batch = record_pb2.EventBatch(source=f"node/{host_id}/1", first_sequence=1, lines=b"".join(lines))
    assert [ack.sequence async for ack in client.audit.Emit(iter([batch]))] == [2]
    await client.close()
    await log_in(proxy, browser, "carol", "auditor")

    (listed,) = (await browser.get("/v1/webapi/recordings")).json()["recordings"]
    recording = (await browser.get(f"/v1/webapi/recordings/{SID}")).json()

    assert (listed["sid"], listed["participants"], listed["enhanced"]) == (SID, ["carol"], True)
    output = b"".join(base64.b64decode(entry["data"]) for entry in recording["entries"])
    assert output.decode().startswith("$ échö\r\n")
    assert [entry["ms"] for entry in recording["entries"]] == sorted(e["ms"] for e in recording["entries"])
    assert {"session.start", "session.command"} <= {e["event"]["event"] for e in recording["entries"]}
    assert (recording["sid"], recording["torn"]) == (SID, False)
    (read,) = proxy.auth.events("session.recording.access")
    assert (read["user"], read["sid"], read["format"]) == ("carol", SID, "web")

    await browser.delete("/v1/webapi/session")
    await log_in(proxy, browser, "dora", "access")
    assert (await browser.get("/v1/webapi/recordings")).json() == {"recordings": [], "next_key": ""}
    assert (await browser.get(f"/v1/webapi/recordings/{SID}")).status_code == 403


async def test_audit_log(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    await log_in(proxy, browser, "carol", "auditor")

    async def found(**params: Any) -> Any:
        answer = await browser.get("/v1/webapi/events", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    everything = (await found())["events"]
    first = await found(limit=2)
    second = await found(limit=2, start_key=first["next_key"])

    assert {event["event"] for event in everything} >= {"user.create", "user.login", "cert.create"}
    assert first["events"] + second["events"] == everything[:4]
    of_type = await found(type=["user.login", "user.create"])
    assert {event["event"] for event in of_type["events"]} == {"user.login", "user.create"}
    assert {event["user"] for event in (await found(user="carol"))["events"]} == {"carol"}
    assert (await found(text="no such thing")) == {"events": [], "next_key": ""}
    assert (await found(**{"from": "2100-01-01T00:00:00Z"}))["events"] == []
    assert (await browser.get("/v1/webapi/events", params={"from": "yesterday"})).status_code == 400
    assert (await browser.get("/v1/webapi/events", params={"limit": 100_000})).status_code == 400


async def test_errors_do_not_repeat_secrets(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(
        "/v1/webapi/session", json={"user": "a", "password": ["hunter2"], "otp_token": "1"}
    )

    assert answer.status_code == 400
    assert "hunter2" not in answer.text
    assert answer.json()["error"]["message"].startswith("password: ")


async def test_a_body_has_a_limit(browser: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1024

    known = await browser.post("/v1/webapi/session", json={"user": "x" * 100_000})
    chunked = await browser.post(
        "/v1/webapi/session", content=endless(), headers={"content-type": "application/json"}
    )

    assert (known.status_code, chunked.status_code) == (413, 413)


async def test_one_address_may_not_try_for_ever(browser: httpx.AsyncClient) -> None:
    body = {"user": "nobody", "password": "x", "otp_token": "1"}
    statuses = [(await browser.get(f"/webapi/invites/{'0' * 32}")).status_code for _ in range(BURST)]

    answer = await browser.post("/v1/webapi/session", json=body)

    assert set(statuses) == {404}
    assert answer.status_code == 429
    assert "seconds" in answer.json()["error"]["hint"]


async def test_headers_that_tie_browsers_down(browser: httpx.AsyncClient) -> None:
    page, api, missing = [await browser.get(path) for path in ("/web/login", "/webapi/ping", "/nowhere")]

    for answer in (page, api, missing):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert missing.status_code == 404
    again = await browser.get("/web/login")
    assert again.headers["content-security-policy"] != page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_no_documentation_is_served(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_the_certificate_is_kept_and_old_tls_refused(proxy: RunningProxy, tmp_path: Path) -> None:
    before = (proxy.data / "proc/proxy/web.crt").read_bytes()
    async with running_proxy(proxy.auth, proxy.data) as again, again.browser() as browser:
        assert (await browser.get(f"https://localhost:{again.port}/webapi/ping")).status_code == 200
    assert (proxy.data / "proc/proxy/web.crt").read_bytes() == before
    assert (proxy.data / "proc/proxy/web.key").stat().st_mode & 0o777 == 0o600

    old = ssl.create_default_context(cafile=str(proxy.data / "proc/proxy/web.crt"))
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with httpx.AsyncClient(verify=old) as browser:
        with pytest.raises(httpx.ConnectError):
            await browser.get(f"https://{proxy.web}/webapi/ping")


async def test_the_auth_service_learns_where_the_page_is(proxy: RunningProxy) -> None:
    async def known() -> bool:
        answer = await proxy.auth.call(proxy.auth.admin, "auth.Ping", pb.PingRequest())
        return list(answer.proxy_addresses) == [proxy.web]

    await auntil(known, 10, "the proxy's address")  # type: ignore[arg-type]  # mypy cannot choose T


async def test_the_limit_counts_addresses_and_not_connections_behind_a_balancer(tmp_path: Path) -> None:
    """With ``trust_x_forwarded_for``: by the header, whatever port it names, and without it by the peer."""
    (tmp_path / "auth").mkdir()
    more = "  trust_x_forwarded_for: true"
    async with (
        running_auth(tmp_path / "auth") as auth,
        running_proxy(auth, tmp_path / "proxy", more) as proxy,
        proxy.browser(connection="close") as browser,
    ):

        async def attempts(*values: str) -> bool:
            """Is an attempt refused, after as many as are allowed? Each has a connection of its own."""
            statuses = []
            for number in range(BURST + 20):  # some more: the limit grows while they are made
                headers = {"x-forwarded-for": values[number % len(values)]} if values else {}
                answer = await browser.get(f"/webapi/invites/{'0' * 32}", headers=headers)
                statuses.append(answer.status_code)
            return set(statuses[:BURST]) == {404} and 429 in statuses

        assert await attempts()
        assert await attempts("192.0.2.1:1000", "192.0.2.1:2000", "192.0.2.1")
        assert await attempts("[2001:db8::1]:1", "2001:db8::1", "[2001:db8::1]")
        answer = await browser.get(f"/webapi/invites/{'0' * 32}", headers={"x-forwarded-for": "192.0.2.9"})
        assert answer.status_code == 404
