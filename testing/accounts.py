# SPDX-License-Identifier: Apache-2.0
"""People of a test cluster: password, second factor, a home directory, and ``tsh`` in it."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp

from testing.commands import BIN, command
from testing.polling import until
from testing.terminal import Terminal

_PASSWORD = "correct horse battery staple"
_STEP_SECONDS = 30
_PATIENCE_SECONDS = 10


def earliest_step(now: float) -> int:
    """The first step whose code is accepted at ``now`` (Unix seconds) and for a while after it."""
    return int(now + _PATIENCE_SECONDS) // _STEP_SECONDS - 1


class WebRefusal(Exception):
    """The web API answered with an error."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body}")
        self.status = status


@dataclass
class Account:
    """Somebody who can log in; ``env`` is the environment of their commands."""

    name: str
    proxy: str
    env: Mapping[str, str]
    password: str = _PASSWORD
    secret: str = ""
    _last_step: int = field(default=0, repr=False)

    @classmethod
    def from_invite(cls, name: str, proxy: str, token: str, env: Mapping[str, str]) -> Account:
        """Accept an invitation as the invite page does: choose a password, register the one-time codes."""
        account = cls(name, proxy, env)
        invite = account.web("GET", f"/webapi/invites/{token}")
        account.secret = parse_qs(urlsplit(invite["otp_uri"]).query)["secret"][0]
        answer = {"password": account.password, "otp_token": account.code()}
        account.web("POST", f"/webapi/invites/{token}", answer)
        return account

    def web(self, method: str, path: str, body: object = None) -> Any:
        """Call the proxy's web API, whose certificate is self-signed; its JSON answer. Raises WebRefusal."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"https://{self.proxy}{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, context=context, timeout=20) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise WebRefusal(refusal.code, refusal.read().decode()) from None

    def code(self) -> str:
        """A one-time code that was not used before; waits when the clock has to move on for one."""
        step = max(self._last_step + 1, earliest_step(time.time()))
        until(lambda: time.time() // _STEP_SECONDS + 1 >= step, 2 * _STEP_SECONDS, "the next one-time code")
        self._last_step = step
        return pyotp.TOTP(self.secret).at(step * _STEP_SECONDS)

    def login(self, *flags: str, code: str = "") -> str:
        """``tsh login`` at a terminal, with a fresh ``code`` unless one is given; what it printed.

        AssertionError when it fails.
        """
        argv = [
            str(BIN / "tsh"),
            "login",
            f"--proxy={self.proxy}",
            f"--user={self.name}",
            "--insecure",
            *flags,
        ]
        with Terminal(argv, env=self.env) as terminal:
            terminal.expect("(?i)password")
            terminal.line(self.password)
            terminal.expect("(?i)(one-time|otp|code)")
            terminal.line(code or self.code())
            status = terminal.wait()
            assert status == 0, terminal.text()
            return terminal.text()

    def tsh(
        self, *arguments: str, check: bool = True, seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run ``tsh`` without a terminal."""
        return command(["tsh", *arguments], self.env, check=check, seconds=seconds)

    def terminal(self, *arguments: str) -> Terminal:
        """``tsh`` with these arguments in a terminal."""
        return Terminal([str(BIN / "tsh"), *arguments], env=self.env)

    @property
    def home(self) -> Path:
        """The home directory, where ``tsh`` keeps its profile."""
        return Path(self.env["HOME"])
