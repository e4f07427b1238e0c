"""Passwords and one-time codes: how they are kept and compared."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from proctor.core.errors import BadRequest

MIN_PASSWORD = 8
MAX_PASSWORD = 1024
CONCURRENT_HASHES = 2
"""Each hash takes 64 MiB, so a flood of logins must not run them all at once."""

OTP_SECONDS = 30
OTP_WINDOW = 1


class Passwords:
    """Argon2id hashes; at most CONCURRENT_HASHES computed at one time, off the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(CONCURRENT_HASHES)
        self._dummy = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Hash a new password; raises BadRequest when it is too short or long."""
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise BadRequest(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str, password: str) -> bool:
        """Does ``password`` fit? An empty ``stored`` takes as long and never fits."""
        if len(password) > MAX_PASSWORD:
            return False
        async with self._slots:
            fits = await asyncio.to_thread(self._fits, stored or self._dummy, password)
        return fits and bool(stored)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


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
    shown = min(8, len(token) // 4)
    return "*" * (len(token) - shown) + token[len(token) - shown :]
