# SPDX-License-Identifier: Apache-2.0
"""A configuration file to a :class:`Config`, or all that is wrong with it, each with its line and column."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import msgspec
from msgspec.structs import replace
from ruamel.yaml.nodes import Node

from proctor.config.reader import ConfigReader
from proctor.config.schema import Config, KeyPair
from proctor.config.semantics import problems, warnings
from proctor.config.source import MAX_SIZE, SourceError, compose, place_of, text_of
from proctor.config.suggest import lost_indentation
from proctor.core.errors import ConfigError

_log = logging.getLogger(__name__)


class LoadedConfig(msgspec.Struct, frozen=True):
    """A configuration and the sentences to tell its owner about it."""

    config: Config
    warnings: list[str]


def load(path: Path) -> Config:
    """The configuration in the file at ``path``; its warnings are logged. Raises ConfigError."""
    loaded = read(path)
    for warning in loaded.warnings:
        _log.warning("%s", warning)
    return loaded.config


def read(path: Path) -> LoadedConfig:
    """The configuration in the file at ``path`` with its warnings. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
            mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        loaded = parse(text_of(data, str(path)), str(path))
    except SourceError as error:
        raise ConfigError(str(error)) from None
    if mode & 0o044 and _holds_token(loaded.config):
        advice = f"{path}: holds a join token and can be read by others; make it private (chmod 600)"
        return replace(loaded, warnings=[*loaded.warnings, advice])
    return loaded


def parse(text: str, name: str) -> LoadedConfig:
    """The configuration in ``text``; ``name`` stands for the file in messages.

    Raises ConfigError with one line for each problem.
    """
    root = _only_document(text, name)
    reader = ConfigReader(name)
    config = Config() if root is None else reader.read(root, Config)
    if config is not None:
        for path, message in problems(config):
            reader.report(path, message)
    if config is None or reader.problems:
        raise ConfigError("\n".join(reader.lines()))
    return LoadedConfig(_current(config), reader.located([*reader.ignored(), *warnings(config)]))


def _current(config: Config) -> Config:
    """With old forms of settings written in the present one."""
    proxy = config.proxy_service
    if not proxy.https_key_file:
        return config
    pair = KeyPair(key_file=proxy.https_key_file, cert_file=proxy.https_cert_file)
    changed = replace(
        proxy, https_keypairs=[*proxy.https_keypairs, pair], https_key_file="", https_cert_file=""
    )
    return replace(config, proxy_service=changed)


def _only_document(text: str, name: str) -> Node | None:
    try:
        nodes = compose(text, name)
    except SourceError as error:
        raise ConfigError(str(error)) from None
    if len(nodes) > 1:
        raise ConfigError(f"{name}:{place_of(nodes[1])}: a second document; expected one in a file")
    if nodes and (lost := lost_indentation(nodes[0], Config)):
        raise ConfigError(f"{name}:{lost[0]}: {lost[1]}")
    return nodes[0] if nodes else None


def _holds_token(config: Config) -> bool:
    params = config.teleport.join_params
    values = [config.teleport.auth_token, params.token_name if params else ""]
    values += [token.partition(":")[2] for token in config.auth_service.tokens]
    return any(value and not value.startswith("/") for value in values)
