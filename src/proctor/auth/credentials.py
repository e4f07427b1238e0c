# SPDX-License-Identifier: Apache-2.0
"""People who log in: passwords, second factors, lockout, one-time links."""

from __future__ import annotations

import hmac
import math
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from proctor.auth import hashing
from proctor.auth.document_store import MAX_NAME, Documents
from proctor.core.clock import Clock
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, LimitExceeded, NotFound, Unavailable
from proctor.core.limits.rates import RateLimit, network_of
from proctor.core.text import counted
from proctor.model import serde
from proctor.model.resources import User
from proctor.storage.base import Backend, Item

MAX_FAILURES = 5
LOCKOUT = timedelta(minutes=20)
LOGIN_IPV4_PREFIX = 24
NAME_BURST, NAME_PER_SECOND = 20, 1 / 30
"""Attempts for one name from networks that it has not logged in from: at once, and then."""

FAMILIAR = timedelta(days=90)
MAX_FAMILIAR = 16
OTP_DEVICE = "otp"
INVITE_TTL, MAX_INVITE_TTL = 3600, 48 * 3600
RESET_TTL, MAX_RESET_TTL = 8 * 3600, 24 * 3600
_LOCKED = "too many failed attempts to log in"
_REFUSED = "invalid username, password or one-time code"


class OtpDevice(msgspec.Struct, frozen=True):
    """A registered authenticator app; ``last_counter`` is the newest time step it was used for."""

    uuid: str
    secret: str
    last_counter: int = -1


class _PasswordRecord(msgspec.Struct, frozen=True):
    password_hash: str = ""
    otp: OtpDevice | None = None


class _Attempts(msgspec.Struct, frozen=True):
    failed: int


class _Networks(msgspec.Struct, frozen=True):
    networks: list[str]


class _Link(msgspec.Struct, frozen=True):
    username: str
    otp_secret: str
    reset: bool


class LoginFailed(AccessDenied):
    """A login that failed; the caller sees the same message whatever was wrong, ``detail`` is for the log."""

    def __init__(self, detail: str) -> None:
        super().__init__(_REFUSED)
        self.detail = detail


def link_lifetime(ttl: int, *, reset: bool) -> timedelta:
    """How long a one-time link lives for which ``ttl`` seconds were asked, 0 for the default.

    Raises BadRequest when that is too long.
    """
    default, longest = (RESET_TTL, MAX_RESET_TTL) if reset else (INVITE_TTL, MAX_INVITE_TTL)
    if not 0 <= ttl <= longest:
        raise BadRequest(f"the link may live at most {longest // 3600}h")
    return timedelta(seconds=ttl or default)


class CredentialStore:
    """The secrets of users, kept apart from their documents."""

    def __init__(
        self, backend: Backend, documents: Documents, clock: Clock, passwords: hashing.Passwords | None = None
    ) -> None:
        self._backend = backend
        self._documents = documents
        self._clock = clock
        self._passwords = passwords or hashing.Passwords()
        self._guesses = RateLimit(clock, burst=NAME_BURST, per_second=NAME_PER_SECOND)

    async def authenticate(
        self, username: str, password: str, otp_code: str, *, address: str = ""
    ) -> tuple[User, OtpDevice]:
        """The user, when password and one-time code fit; ``address`` is where the person is.

        Raises Refused (after as much work as for a right guess), or LimitExceeded after MAX_FAILURES
        failures in a row from one network, until LOCKOUT has passed since the last; and from networks where
        this name has not logged in before, when there were too many failures from everywhere. For names of
        an unknown user just the same.
        """
        network = network_of(address, ipv4_prefix=LOGIN_IPV4_PREFIX)
        familiar = network in await self._familiar(username)
        await self._check_lock(username, network)  # first: who is locked out uses up nothing of the name's
        if not familiar and (wait := self._guesses.take(hashing.digest(username))):
            raise LimitExceeded(_LOCKED, hint=f"Try again in {counted(math.ceil(wait), 'second')}.")
        await self._count_attempt(username, network)
        user = await self._find(username)
        item, account = await self._load(username) if user else (None, _PasswordRecord())
        now = self._clock.now().timestamp()
        password_fits = await self._passwords.verify(account.password_hash, password)
        counter = hashing.otp_counter(account.otp.secret, otp_code, now) if account.otp else None
        if user is None or item is None or account.otp is None:
            raise LoginFailed(f"user {username[:MAX_NAME]} does not exist or has not set a password")
        if not password_fits or counter is None:
            raise LoginFailed("wrong password" if not password_fits else "wrong one-time code")
        if counter <= account.otp.last_counter:
            raise LoginFailed("the one-time code was used before")
        device = msgspec.structs.replace(account.otp, last_counter=counter)
        fresh = msgspec.structs.replace(account, otp=device)
        if await self._backend.swap(item, serde.to_json(fresh)) is None:
            raise LoginFailed("two logins at the same moment")
        await self._backend.delete(_attempts_key(username, network))
        self._guesses.give_back(hashing.digest(username))
        if not familiar:
            await self._remember_network(username, network)
        return user, device

    async def _familiar(self, username: str) -> list[str]:
        """Networks from which this name has logged in lately."""
        item = await self._backend.get(_networks_key(username))
        return serde.from_json(item.value, _Networks).networks if item else []

    async def _remember_network(self, username: str, network: str) -> None:
        known = [*await self._familiar(username), network][-MAX_FAMILIAR:]
        expires = self._clock.now() + FAMILIAR
        await self._backend.put(_networks_key(username), serde.to_json(_Networks(known)), expires=expires)

    async def _check_lock(self, username: str, network: str) -> tuple[Item | None, int]:
        """Return the record of failures in a row and their number; raises LimitExceeded."""
        item = await self._backend.get(_attempts_key(username, network))
        failed = serde.from_json(item.value, _Attempts).failed if item else 0
        if failed >= MAX_FAILURES:
            raise LimitExceeded(_LOCKED, hint=f"Try again in {LOCKOUT.seconds // 60} minutes.")
        return item, failed

    async def _count_attempt(self, username: str, network: str) -> None:
        """Count it as failed before it is judged, so that many guesses at one moment count one by one."""
        key = _attempts_key(username, network)
        while True:
            item, failed = await self._check_lock(username, network)
            value, expires = serde.to_json(_Attempts(failed + 1)), self._clock.now() + LOCKOUT
            if item and await self._backend.swap(item, value, expires=expires):
                return
            with suppress(AlreadyExists):
                await self._backend.create(key, value, expires=expires)
                return

    async def _find(self, username: str) -> User | None:
        try:
            return await self._documents.users.find(username)
        except BadRequest:
            return None

    async def _load(self, username: str) -> tuple[Item | None, _PasswordRecord]:
        item = await self._backend.get(_account_key(username))
        return item, serde.from_json(item.value, _PasswordRecord) if item else _PasswordRecord()

    async def invite(self, username: str, ttl: int, *, reset: bool) -> tuple[str, datetime]:
        """A one-time link's token and when it ends. A reset takes password and second factor away at once."""
        lifetime = link_lifetime(ttl, reset=reset)
        await self.forget(username)
        token = hashing.new_token()
        expires = self._clock.now() + lifetime
        link = _Link(username, hashing.new_otp_secret(), reset)
        await self._backend.put(_link_key(token), serde.to_json(link), expires=expires)
        return token, expires

    async def forget(self, username: str) -> None:
        """Remove password, second factor, open links and counted failures of a user."""
        await self._backend.delete(_account_key(username))
        await self._backend.delete(_networks_key(username))
        for item in await self._backend.range(_attempts_key(username, "")):
            await self._backend.delete(item.key)
        for item in await self._backend.range("links/"):
            if serde.from_json(item.value, _Link).username == username:
                await self._backend.delete(item.key)

    async def link(self, token: str) -> _Link:
        """Look up a link; raises NotFound when it was used, replaced, or has expired."""
        return (await self._find_link(token))[1]

    async def _find_link(self, token: str) -> tuple[Item, _Link]:
        item = await self._backend.get(_link_key(token))
        if item is None or not hmac.compare_digest(item.key, _link_key(token)):
            raise NotFound(
                "this link is not valid: it was used, replaced or has expired",
                hint="Ask an administrator for a new one (tctl users reset).",
            )
        return item, serde.from_json(item.value, _Link)

    async def accept(self, token: str, password: str, otp_code: str) -> tuple[str, OtpDevice]:
        """Set password and authenticator app through a link, which is used up then.

        Raises NotFound for a bad link, BadRequest for a bad password or code (the link stays good).
        """
        item, link = await self._find_link(token)
        await self._documents.users.get(link.username)
        counter = hashing.otp_counter(link.otp_secret, otp_code, self._clock.now().timestamp())
        if counter is None:
            raise BadRequest(
                "the one-time code does not fit",
                hint="Scan the QR code, check the clock of your device, and enter the current code.",
            )
        password_hash = await self._passwords.hash(password)
        if not await self._backend.delete(item.key):
            raise Unavailable("this link is being used by somebody else")
        device = OtpDevice(str(uuid4()), link.otp_secret, counter)
        account = _PasswordRecord(password_hash=password_hash, otp=device)
        await self._backend.put(_account_key(link.username), serde.to_json(account))
        return link.username, device

    def close(self) -> None:
        """Stop the threads that hash."""
        self._passwords.close()


def _account_key(username: str) -> str:
    return f"accounts/{username}"


def _attempts_key(username: str, network: str) -> str:
    return f"attempts/{hashing.digest(username)}/{network}"


def _networks_key(username: str) -> str:
    return f"networks/{hashing.digest(username)}"


def _link_key(token: str) -> str:
    return f"links/{hashing.digest(token)}"
