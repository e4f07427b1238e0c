# SPDX-License-Identifier: Apache-2.0
"""The web page in a real browser: invitation, login, audit log, recordings; and nothing breaks its policy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

from proctor.core.clock import SYSTEM
from testing.accounts import Account
from testing.cluster import Cluster
from testing.commands import environment
from testing.programs import require

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_VIOLATIONS = """
window.violations = [];
addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


@dataclass
class Visit:
    """A page, and everything that it has complained about or asked for."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)

    def open(self, path: str) -> None:
        """Go to a path of the proxy."""
        self.page.goto(f"{self.base}{path}")

    def log_in(self, account: Account) -> None:
        """Fill the login form that is shown and send it."""
        self.page.get_by_label("User").fill(account.name)
        self.page.get_by_role("textbox", name="Password").fill(account.password)
        self.page.get_by_label("One-time code").fill(account.code())
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", name="Audit log")).to_be_visible()

    def check(self) -> None:
        """Nothing was blocked, nothing failed, nothing was asked of anybody else."""
        assert self.page.evaluate("window.violations") == []
        assert self.complaints == []
        assert self.origins <= {urlsplit(self.base).netloc, ""}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


def visit(context: BrowserContext, cluster: Cluster) -> Visit:
    """A fresh page that takes note of what goes wrong on it."""
    page = context.new_page()
    page.set_default_timeout(20_000)
    visit = Visit(page, f"https://{cluster.proxy}")
    page.add_init_script(_VIOLATIONS)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", lambda message: _note(visit, message.type, message.text))
    page.on("request", lambda request: visit.origins.add(urlsplit(request.url).netloc))
    return visit


def _note(visit: Visit, kind: str, text: str) -> None:
    """Take down warnings; that a refused request is shown as one is how browsers are."""
    if kind in {"warning", "error"} and "the server responded with a status of 40" not in text:
        visit.complaints.append(text)


@pytest.fixture(params=["light", "dark"])
def guest(browser: Browser, shared: Cluster, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Somebody with an empty browser who is not logged in."""
    with browser.new_context(ignore_https_errors=True, color_scheme=request.param) as context:
        yield visit(context, shared)


@pytest.fixture(scope="module")
def auditor(shared: Cluster) -> Account:
    return shared.add_user("audrey", roles="auditor")


@pytest.fixture(scope="module")
def cookies(browser: Browser, shared: Cluster, auditor: Account) -> StorageState:
    """What a browser keeps of the auditor's login."""
    with browser.new_context(ignore_https_errors=True) as context:
        inside = visit(context, shared)
        inside.open("/")
        inside.log_in(auditor)
        inside.check()
        return context.storage_state()


@pytest.fixture
def inside(browser: Browser, shared: Cluster, cookies: StorageState) -> Iterator[Visit]:
    """An auditor who is logged in."""
    with browser.new_context(ignore_https_errors=True, storage_state=cookies) as context:
        inside = visit(context, shared)
        inside.open("/")
        yield inside


def test_from_the_invitation_to_the_login(guest: Visit, shared: Cluster, tmp_path: Path) -> None:
    name = f"nina-{tmp_path.name[-3:].strip('-')}"
    output = shared.tctl("users", "add", name, "--roles=auditor").stdout
    link = re.search(r"https://\S+/web/invite/\S+", output)
    assert link, output
    page = guest.page
    page.goto(link[0])

    expect(page.get_by_role("heading", name=f"Welcome, {name}")).to_be_visible()
    expect(page.get_by_alt_text("QR code for the authenticator app")).to_be_visible()
    secret = (page.locator("code").first.text_content() or "").replace(" ", "")
    account = Account(name, shared.proxy, environment(tmp_path), secret=secret)
    page.get_by_role("textbox", name="Password", exact=False).first.fill(account.password)
    page.get_by_role("textbox", name="Password again").fill("something else")
    expect(page.get_by_text("The two passwords differ")).to_be_visible()
    page.get_by_role("textbox", name="Password again").fill(account.password)
    page.get_by_label("One-time code").fill("000000" if pyotp.TOTP(secret).now() != "000000" else "000001")
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_role("alert")).to_contain_text("one-time code does not fit")
    page.get_by_label("One-time code").fill(account.code())
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_role("heading", name="Your account is ready")).to_be_visible()

    page.get_by_role("link", name="Log in on this page").click()
    guest.log_in(account)
    guest.check()


def test_a_wrong_password(guest: Visit, auditor: Account) -> None:
    guest.open("/web/login")
    guest.page.get_by_label("User").fill(auditor.name)
    guest.page.get_by_role("textbox", name="Password").fill("not the password")
    guest.page.get_by_label("One-time code").fill("123456")
    guest.page.get_by_role("button", name="Log in").click()

    expect(guest.page.get_by_role("alert")).to_contain_text("Invalid username, password or one-time code")
    guest.check()


def test_a_used_link_says_so(guest: Visit) -> None:
    guest.open(f"/web/invite/{'0' * 32}")

    expect(guest.page.get_by_role("alert")).to_contain_text("it was used, replaced or has expired")
    expect(guest.page.get_by_role("alert")).to_contain_text("Ask an administrator")
    guest.check()


def test_the_login_leads_back_to_where_it_was_asked_for(browser: Browser, shared: Cluster) -> None:
    account = shared.add_user("bea", roles="auditor")
    with browser.new_context(ignore_https_errors=True) as context:
        guest = visit(context, shared)
        guest.open("/web/audit?text=needle")
        guest.log_in(account)

        expect(guest.page).to_have_url(re.compile(r"/web/audit\?text=needle$"))
        expect(guest.page.get_by_label("Text")).to_have_value("needle")


def test_audit_log(inside: Visit, auditor: Account) -> None:
    page = inside.page
    rows = page.get_by_role("row")
    login = rows.filter(has_text=f"{auditor.name} logged in").first
    expect(login).to_be_visible()
    login.click()
    expect(page.get_by_text('"code": "T1000I"')).to_be_visible()

    page.get_by_role("textbox", name="User").fill("nobody-of-that-name")
    expect(page.get_by_text("No events match.")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("combobox", name="Types").click()
    page.get_by_role("option", name="instance.join").click()
    expect(page).to_have_url(re.compile("instance.join"))
    expect(rows.filter(has_text="joined as proxy")).to_be_visible()
    expect(rows.filter(has_text="logged in")).to_have_count(0)
    inside.check()


def test_new_events_appear_by_themselves(inside: Visit, shared: Cluster) -> None:
    expect(inside.page.get_by_text("logged in").first).to_be_visible()
    shared.tctl("nodes", "add", "--roles=node", "--ttl=7m")
    shared.tctl("users", "add", "late-comer", "--roles=access")

    expect(inside.page.get_by_text("created user late-comer")).to_be_visible()
    inside.check()


_TOKEN = """\
kind: token
version: v2
metadata: {{name: token-of-the-test-{number}, expires: "{expires}"}}
spec: {{roles: [node]}}
"""


def test_more_than_a_page(inside: Visit, shared: Cluster, tmp_path: Path) -> None:
    expires = (SYSTEM.now() + timedelta(minutes=5)).isoformat()
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text("---\n".join(_TOKEN.format(number=number, expires=expires) for number in range(101)))
    shared.tctl("create", str(tokens))
    page = inside.page
    page.reload()

    page.get_by_role("button", name="Load more").click()

    expect(page.locator("time").nth(100)).to_be_attached()
    times = page.locator("time").evaluate_all("all => all.map(one => Date.parse(one.dateTime))")
    assert len(times) > 100
    assert times == sorted(times, reverse=True)


def test_recordings(inside: Visit) -> None:
    page = inside.page
    page.get_by_role("link", name="Recordings").click()
    expect(page.get_by_role("heading", name="Recordings")).to_be_visible()
    page.get_by_text("Running now").click()

    expect(page.get_by_text("No session is running.")).to_be_visible()
    inside.check()


def test_user_without_access_to_the_log_sees_why_and_can_log_out(browser: Browser, shared: Cluster) -> None:
    account = shared.add_user("walter", roles="access")
    with browser.new_context(ignore_https_errors=True) as context:
        inside = visit(context, shared)
        page = inside.page
        inside.open("/web/audit")
        inside.log_in(account)
        expect(page.get_by_role("alert")).to_contain_text("No role of user walter allows list on event")

        page.get_by_role("button", name="Account of walter").click()
        page.get_by_role("menuitem", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        inside.open("/web/recordings")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert context.cookies() == []
        inside.check()


def test_the_keyboard_alone_is_enough(browser: Browser, shared: Cluster) -> None:
    account = shared.add_user("kim", roles="auditor")
    with browser.new_context(ignore_https_errors=True) as context:
        guest = visit(context, shared)
        guest.open("/web/login")
        expect(guest.page.get_by_label("User")).to_be_focused()
        keys = guest.page.keyboard
        for text in (account.name, account.password, account.code()):
            keys.type(text)
            keys.press("Tab")
        keys.press("Enter")

        expect(guest.page.get_by_role("heading", name="Audit log")).to_be_visible()
        guest.check()
