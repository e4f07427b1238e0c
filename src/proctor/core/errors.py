# SPDX-License-Identifier: Apache-2.0
"""The root of every error a user may see, and the exit codes of the commands."""

from __future__ import annotations

EXIT_FAILURE = 1
EXIT_USAGE = 2


class ProctorError(Exception):
    """An error with a sentence for the person who caused it or can mend it.

    The message says what is wrong; ``hint`` says what to do. Commands print both and leave
    with ``exit_code``; services map the subclass to an RPC status in ``rpc.server``.
    """

    exit_code = EXIT_FAILURE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def diagnostics(self) -> str:
        """Message and hint, as printed on stderr by a command."""
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigError(ProctorError):
    """A configuration file or flag that cannot be used; the message carries file:line:col: key."""

    exit_code = EXIT_USAGE


class BadRequest(ProctorError):
    """An argument of a request is malformed."""

    exit_code = EXIT_USAGE


class NotFound(ProctorError):
    """The thing named does not exist."""


class AlreadyExists(ProctorError):
    """The thing to be created exists."""


class AccessDenied(ProctorError):
    """The caller is known and may not do this; the message says why."""


class Unauthenticated(ProctorError):
    """The caller could not prove who they are."""


class LimitExceeded(ProctorError):
    """Too many attempts or too large a request; the hint says when to try again."""


class IncompatibleVersion(ProctorError):
    """Two components whose versions may not talk to each other."""


class Unavailable(ProctorError):
    """A peer or resource cannot be reached now; trying again later may work."""


class Corrupted(ProctorError):
    """Stored data does not decode; nothing is overwritten."""
