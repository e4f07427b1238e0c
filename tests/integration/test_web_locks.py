# SPDX-License-Identifier: Apache-2.0
"""The web page and its public routes under locks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata
from proctor.model.serde import to_json
from proctor.rpc._pb import auth_pb2 as pb
from testing.auth import PASSWORD, RunningAuth, otp_code, running_auth
from testing.polling import auntil
from testing.proxy import RunningProxy, running_proxy


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[RunningProxy]:
    (tmp_path / "auth").mkdir()
    async with running_auth(tmp_path / "auth") as auth, running_proxy(auth, tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture
async def browser(proxy: RunningProxy) -> AsyncIterator[httpx.AsyncClient]:
    async with proxy.browser(origin=f"https://{proxy.web}") as browser:
        yield browser


async def lock(auth: RunningAuth, **target: str) -> None:
    document = Lock(
        metadata=Metadata(name="one"), spec=LockSpec(target=LockTarget(**target), message="see me")
    )
    await auth.call(auth.admin, "auth.PutDocument", pb.PutDocumentRequest(json=to_json(document)))


async def unlock(auth: RunningAuth) -> None:
    await auth.call(auth.admin, "auth.DeleteDocument", pb.DocumentRequest(kind="lock", name="one"))


def credentials(secret: str) -> dict[str, Any]:
    return {"user": "carol", "password": PASSWORD, "otp_token": otp_code(secret)}


@pytest.mark.parametrize("how", ["lock", "reset"])
async def test_web_session_ends(browser: httpx.AsyncClient, proxy: RunningProxy, how: str) -> None:
    secret = await proxy.auth.add_user("carol", ["auditor"], ["root"], proxy.credentials)
    assert (await browser.post("/v1/webapi/session", json=credentials(secret))).status_code == 200
    if how == "lock":
        await lock(proxy.auth, role="auditor")
    else:
        await proxy.auth.call(proxy.auth.admin, "auth.ResetUser", pb.ResetUserRequest(name="carol"))

    async def is_out() -> bool:
        return (await browser.get("/v1/webapi/session")).status_code == 401

    await auntil(is_out, 5)  # type: ignore[arg-type]  # mypy cannot choose T


async def test_web_login_of_somebody_locked(browser: httpx.AsyncClient, proxy: RunningProxy) -> None:
    secret = await proxy.auth.add_user("carol", ["auditor"], ["root"], proxy.credentials)
    await lock(proxy.auth, user="carol")
    answer = await browser.post("/v1/webapi/session", json=credentials(secret))
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == 'lock targeting User:"carol" is in force: see me'


async def test_key_revocation_list(browser: httpx.AsyncClient, proxy: RunningProxy, tmp_path: Path) -> None:
    secret = await proxy.auth.add_user("carol", ["auditor"], ["root"], proxy.credentials)
    assert secret
    certificate = (await proxy.auth.sign("carol")).ssh_certificate
    (tmp_path / "cert.pub").write_bytes(certificate)

    async def is_listed() -> bool:
        answer = await browser.get("/webapi/auth/krl")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        (tmp_path / "krl").write_bytes(answer.content)
        argv = ["ssh-keygen", "-Q", "-f", str(tmp_path / "krl"), str(tmp_path / "cert.pub")]
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.DEVNULL)
        return await process.wait() == 1

    assert not await is_listed()
    await lock(proxy.auth, user="carol")
    await auntil(is_listed, 5)  # type: ignore[arg-type]  # mypy cannot choose T
    await unlock(proxy.auth)

    async def is_not_listed() -> bool:
        return not await is_listed()

    await auntil(is_not_listed, 5)  # type: ignore[arg-type]  # mypy cannot choose T
