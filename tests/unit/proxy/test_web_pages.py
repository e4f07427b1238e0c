# SPDX-License-Identifier: Apache-2.0
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from proctor.proxy.web.app import make_api
from proctor.proxy.web.middleware import SecurityMiddleware
from proctor.proxy.web.pages import NONCE, load_bundle

SCRIPT = b"console.log('hello');" * 100


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "_web/assets/fonts").mkdir(parents=True)
    (tmp_path / "_web/index.html").write_bytes(b'<meta nonce="%s"><p>page' % NONCE)
    (tmp_path / "_web/assets/app-1.js").write_bytes(SCRIPT)
    (tmp_path / "_web/assets/fonts/one.woff2").write_bytes(b"font")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "_web"


@pytest.fixture
async def browser(bundle: Path) -> AsyncIterator[httpx.AsyncClient]:
    api = make_api()
    api.state.bundle = load_bundle(bundle)
    transport = httpx.ASGITransport(app=SecurityMiddleware(api))
    async with httpx.AsyncClient(transport=transport, base_url="https://proxy.example.com") as browser:
        yield browser


@pytest.mark.parametrize("path", ["/web", "/web/", "/web/login", "/web/invite/abc", "/web/index.html"])
async def test_every_page_is_the_shell_with_a_nonce_of_its_own(browser: httpx.AsyncClient, path: str) -> None:
    first, second = await browser.get(path), await browser.get(path)

    nonce = first.text.partition('nonce="')[2].partition('"')[0]
    assert len(nonce) >= 20
    assert f"'nonce-{nonce}'" in first.headers["content-security-policy"]
    assert first.headers["content-type"].startswith("text/html")
    assert nonce not in second.text
    assert NONCE.decode() not in first.text


async def test_the_address_of_the_proxy_leads_to_the_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")

    assert (answer.status_code, answer.headers["location"]) == (307, "/web/")


async def test_assets_are_kept_by_browsers_and_compressed_for_those_who_can(
    browser: httpx.AsyncClient,
) -> None:
    async with browser.stream("GET", "/web/assets/app-1.js", headers={"accept-encoding": "br, gzip"}) as got:
        packed = b"".join([part async for part in got.aiter_raw()])
    plain = await browser.get("/web/assets/app-1.js", headers={"accept-encoding": "identity"})
    font = await browser.get("/web/assets/fonts/one.woff2")

    assert gzip.decompress(packed) == plain.content == SCRIPT
    assert got.headers["content-encoding"] == "gzip"
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"].startswith("text/javascript")
    assert (font.content, font.headers.get("content-encoding")) == (b"font", None)


@pytest.mark.parametrize(
    "path", ["x.js", "../index.html", "..%2fsecret", "%2e%2e/%2e%2e/secret", "//etc/passwd", ""]
)
async def test_nothing_else_is_served(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(f"/web/assets/{path}")

    assert b"secret" not in answer.content
    assert answer.status_code == 404 or b"page" in answer.content


async def test_a_checkout_without_the_bundle_says_how_to_build_it(tmp_path: Path) -> None:
    api = make_api()
    api.state.bundle = load_bundle(tmp_path / "missing")
    transport = httpx.ASGITransport(app=SecurityMiddleware(api))
    async with httpx.AsyncClient(transport=transport, base_url="https://proxy") as browser:
        answer = await browser.get("/web/")

    assert "./run setup" in answer.text
