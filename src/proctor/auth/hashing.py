# SPDX-License-Identifier: Apache-2.0
"""Passwords and one-time codes: how they are kept and compared."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from proctor.core.errors import BadRequest, LimitExceeded

T = TypeVar("T")

MIN_PASSWORD = 8
MAX_PASSWORD = 1024
CONCURRENT_HASHES = 2
"""Each hash takes 64 MiB, so a flood of logins must not run them all at once."""

WAITING_HASHES = 64
SHOWN_TOKEN, LONGEST_MASK = 8, 64

OTP_SECONDS = 30
OTP_WINDOW = 1


class Passwords:
    """Argon2id hashes; at most CONCURRENT_HASHES computed at one time, off the event loop.

    Both methods raise LimitExceeded when WAITING_HASHES are waiting already.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self.hasher = hasher or PasswordHasher()
        # Threads of its own bound the memory even when callers that gave up leave their hash behind.
        self._threads = ThreadPoolExecutor(CONCURRENT_HASHES, thread_name_prefix="argon2")
        self._waiting = 0
        self._dummy = self.hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Hash a new password; raises BadRequest when it is too short or long."""
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise BadRequest(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        return await self._compute(self.hasher.hash, password)

    async def verify(self, stored: str, password: str) -> bool:
        """Does ``password`` fit? An empty ``stored`` takes as long and never fits."""
        if len(password) > MAX_PASSWORD:
            return False
        fits = await self._compute(self._fits, stored or self._dummy, password)
        return fits and bool(stored)

    async def _compute(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= WAITING_HASHES:
            raise LimitExceeded("too many people log in at this moment", hint="Try again in a few seconds.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self.hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """Compute nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def new_otp_secret() -> str:
    """A TOTP secret, base32."""
    return pyotp.random_base32()


def otp_uri(secret: str, username: str, cluster: str) -> str:
    """The ``otpauth://`` URI that authenticator apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=f"{username}@{cluster}", issuer_name="Teleport")


def otp_counter(secret: str, code: str, moment: float) -> int | None:
    """The time step that ``code`` belongs to, one step of drift allowed either way; None if it fits none.

    A caller that remembers the last step accepted refuses the same or an older one: codes are used once.
    """
    generator = pyotp.HOTP(secret)
    current = int(moment) // OTP_SECONDS
    steps = range(current - OTP_WINDOW, current + OTP_WINDOW + 1)
    fitting = [step for step in steps if hmac.compare_digest(generator.at(step).encode(), code.encode())]
    return fitting[0] if fitting else None


def new_token() -> str:
    """A secret for tokens and links: 16 random bytes in hex."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """Under which a token's record is kept, so that the store does not reveal it."""
    return hashlib.sha256(token.encode()).hexdigest()


def masked(token: str) -> str:
    """A token as shown in events: only its last characters, and never more than a quarter of it."""
    shown = min(SHOWN_TOKEN, len(token) // 4)
    return "*" * min(len(token) - shown, LONGEST_MASK) + token[len(token) - shown :]
