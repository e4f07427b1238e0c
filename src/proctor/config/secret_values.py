# SPDX-License-Identifier: Apache-2.0
"""Values that a configuration may hold by itself or by the path of a file."""

from __future__ import annotations

from proctor.config.schema import Config
from proctor.config.semantics import static_token
from proctor.config.values import read_pin
from proctor.core.durable import read_small
from proctor.core.errors import ConfigError


def value_or_file(text: str, what: str) -> str:
    """``text``, or the content of the file when it is an absolute path; stripped.

    Raises ConfigError naming ``what`` and the path, never the content.
    """
    if not text.startswith("/"):
        return text
    try:
        content = read_small(text).decode().strip()
    except OSError as error:
        raise ConfigError(f"{what}: cannot read {text}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what}: {text} is not text") from None
    if not content:
        raise ConfigError(f"{what}: {text} is empty")
    return content


def join_token(config: Config) -> str:
    """The token with which this host joins; empty when none is configured. Raises ConfigError."""
    params = config.teleport.join_params
    return value_or_file(params.token_name if params else config.teleport.auth_token, "auth_token")


def ca_pins(config: Config) -> list[str]:
    """The pins to check when joining, files resolved. Raises ConfigError."""
    return [pin for text in config.teleport.ca_pin for pin in _pins(text)]


def _pins(text: str) -> list[str]:
    try:
        return [read_pin(line) for line in value_or_file(text, "ca_pin").split()]
    except ValueError as error:
        raise ConfigError(f"ca_pin: {text}: {error}") from None


def static_tokens(config: Config) -> list[tuple[list[str], str]]:
    """Roles and secret value of each static token that something here can join with. Raises ConfigError."""
    pairs = [static_token(text) for text in config.auth_service.tokens]
    return [(roles, value_or_file(value, "tokens")) for roles, value in pairs if roles]
