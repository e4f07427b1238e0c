# SPDX-License-Identifier: Apache-2.0
"""Semantic validation of the configuration, and warnings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proctor.config.offered import refused, warned
from proctor.config.schema import Config, RecordingMinimum
from proctor.core.errors import ConfigError
from proctor.model.rbac.foreign import FOREIGN_SERVICES

KeyPath = tuple[str, ...]
Problem = tuple[KeyPath, str]
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
MAX_VARIABLES = 8
TOKEN_ROLES = frozenset({"node", "proxy"})


def problems(config: Config) -> Iterator[Problem]:
    """Key and message of everything that cannot be run."""
    yield from _names(config)
    yield from _paths(config)
    yield from _joining(config)
    yield from _recording(config)
    yield from _key_files(config)
    yield from refused(config)


def warnings(config: Config) -> Iterator[Problem]:
    """Key and sentence about settings that work, though not as their author may think."""
    teleport = config.teleport
    if teleport.auth_server and teleport.proxy_server:
        yield (
            ("teleport", "auth_server"),
            "both auth_server and proxy_server are set: the proxy is used when it answers, "
            "the auth server otherwise",
        )
    for index, token in enumerate(config.auth_service.tokens):
        if foreign := sorted(set(_roles_of(token)) - TOKEN_ROLES):
            message = f"nothing can join as {', '.join(foreign)} here"
            yield ("auth_service", "tokens", f"[{index}]"), message
    yield from warned(config)


def static_token(text: str) -> tuple[list[str], str]:
    """Roles and value of a static token ``node,proxy:<value or path>``, without foreign roles.

    Raises ConfigError, whose message never holds the value.
    """
    _, colon, value = text.partition(":")
    roles = _roles_of(text)
    if not colon or not value:
        raise ConfigError("a static token must be written roles:value, such as node,proxy:<value>")
    if not set(roles) <= TOKEN_ROLES | FOREIGN_SERVICES:
        raise ConfigError(f"the roles of a static token must be among {', '.join(sorted(TOKEN_ROLES))}")
    return [role for role in roles if role in TOKEN_ROLES], value


def _roles_of(text: str) -> list[str]:
    return [role.strip().lower() for role in text.partition(":")[0].split(",")]


def _names(config: Config) -> Iterator[Problem]:
    for path, name in (
        (("teleport", "nodename"), config.teleport.nodename),
        (("auth_service", "cluster_name"), config.auth_service.cluster_name),
    ):
        if name and not _NAME.fullmatch(name):
            yield path, f"{name!r} is not a name; expected letters, digits, dots, dashes"


def _recording(config: Config) -> Iterator[Problem]:
    recording = config.ssh_service.enhanced_recording
    if len(recording.environment) > MAX_VARIABLES:
        yield (
            ("ssh_service", "enhanced_recording", "environment"),
            f"more than {MAX_VARIABLES} variables cannot be recorded",
        )
    if recording.minimum != RecordingMinimum() and not recording.enabled:
        yield (
            ("ssh_service", "enhanced_recording", "minimum"),
            "nothing is recorded unless enhanced_recording.enabled is set",
        )


def _paths(config: Config) -> Iterator[Problem]:
    recording = config.ssh_service.enhanced_recording
    for path, value in (
        (("teleport", "storage", "path"), config.teleport.storage.path),
        (("ssh_service", "enhanced_recording", "cgroup_path"), recording.cgroup_path),
        (("ssh_service", "enhanced_recording", "root_path"), recording.root_path),
    ):
        if value and (not value.startswith("/") or ".." in value.split("/")):
            yield path, f"{value!r} is not an absolute path"


def _joining(config: Config) -> Iterator[Problem]:
    teleport = config.teleport
    if teleport.auth_token and teleport.join_params and teleport.join_params.token_name:
        yield ("teleport", "join_params"), "auth_token is set as well; expected one of the two"
    if teleport.auth_servers and config.version == "v3":
        message = "version v3 has auth_server or proxy_server instead; expected one of them, or version: v2"
        yield ("teleport", "auth_servers"), message
    dialled = {"auth_server": teleport.auth_server, "proxy_server": teleport.proxy_server}
    for path, address in (
        *((("teleport", key), address) for key, address in dialled.items()),
        *((("teleport", "auth_servers", f"[{i}]"), each) for i, each in enumerate(teleport.auth_servers)),
    ):
        if address and not address.port:
            yield path, "0 is not a port to connect to"
    for index, token in enumerate(config.auth_service.tokens):
        try:
            static_token(token)
        except ConfigError as error:
            yield ("auth_service", "tokens", f"[{index}]"), error.message


def _key_files(config: Config) -> Iterator[Problem]:
    proxy = config.proxy_service
    if bool(proxy.https_key_file) != bool(proxy.https_cert_file):
        yield ("proxy_service",), "https_key_file and https_cert_file go together"
