"""A configuration file to a :class:`Config`, or all that is wrong with it, each with its line and column."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

from proctor.config.reader import Place, Reader
from proctor.config.rules import problems, warnings
from proctor.config.schema import Config
from proctor.core.errors import ConfigError

_log = logging.getLogger(__name__)
MAX_SIZE = 1 << 20


class Loaded(msgspec.Struct, frozen=True):
    """A configuration and the sentences to tell its owner about it."""

    config: Config
    warnings: list[str]


def load(path: Path) -> Config:
    """The configuration in the file at ``path``; its warnings are logged. Raises ConfigError."""
    loaded = read(path)
    for warning in loaded.warnings:
        _log.warning("%s", warning)
    return loaded.config


def read(path: Path) -> Loaded:
    """The configuration in the file at ``path`` with its warnings. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
            mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_SIZE:
        raise ConfigError(f"{path}: is larger than {MAX_SIZE} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}:1: the text is not UTF-8") from None
    loaded = parse(text, str(path))
    if mode & 0o044 and _holds_token(loaded.config):
        advice = f"{path}: holds a join token and can be read by others; make it private (chmod 600)"
        return msgspec.structs.replace(loaded, warnings=[*loaded.warnings, advice])
    return loaded


def parse(text: str, name: str) -> Loaded:
    """The configuration in ``text``; ``name`` stands for the file in messages.

    Raises ConfigError with one line for each problem.
    """
    root = _compose(text, name)
    reader = Reader(name)
    config = Config() if root is None else reader.read(root, Config)
    if config is not None and not reader.problems:
        for path, message in problems(config):
            reader.report(path, message)
    if config is None or reader.problems:
        raise ConfigError("\n".join(reader.lines()))
    return Loaded(config, [*reader.ignored(config), *(f"{name}: {text}" for text in warnings(config))])


def _compose(text: str, name: str) -> Node | None:
    try:
        return YAML(typ="safe", pure=True).compose(text)  # type: ignore[no-any-return]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise ConfigError(f"{name}:{place}: not valid YAML: {_syntax(error, text, place)}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{name}:{line}:1: not valid YAML: a character that YAML does not allow") from None
    except YAMLError:
        raise ConfigError(f"{name}:1:1: not valid YAML") from None


def _syntax(error: MarkedYAMLError, text: str, place: Place) -> str:
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: place.column]:
        return "a tab; indent with spaces"
    begun = error.context_mark.line + 1 if error.context_mark else place.line
    context = f"{error.context} that began in line {begun}" if error.context else ""
    return ", ".join(filter(None, [context, error.problem]))


def _holds_token(config: Config) -> bool:
    params = config.teleport.join_params
    values = [config.teleport.auth_token, params.token_name if params else ""]
    values += [token.partition(":")[2] for token in config.auth_service.tokens]
    return any(value and not value.startswith("/") for value in values)
