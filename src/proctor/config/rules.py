"""What a configuration must satisfy beyond the shape of its values, and what deserves a word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proctor.config.schema import Config
from proctor.core.errors import ConfigError

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
    yield from _environment(config)
    yield from _unsupported(config)


def warnings(config: Config) -> Iterator[str]:
    """Sentences about settings that work, though not as their author may think."""
    teleport = config.teleport
    if teleport.auth_server and teleport.proxy_server:
        yield (
            "both auth_server and proxy_server are set: the proxy is used when it answers, "
            "the auth server otherwise"
        )


def static_token(text: str) -> tuple[list[str], str]:
    """Roles and value of a static token ``node,proxy:<value or path>``.

    Raises ConfigError, whose message never holds the value.
    """
    roles_text, colon, value = text.partition(":")
    roles = [role.strip().lower() for role in roles_text.split(",")]
    if not colon or not value:
        raise ConfigError("a static token must be written roles:value, such as node,proxy:<value>")
    if not set(roles) <= TOKEN_ROLES:
        raise ConfigError(f"the roles of a static token must be among {', '.join(sorted(TOKEN_ROLES))}")
    return roles, value


def _names(config: Config) -> Iterator[Problem]:
    for path, name in (
        (("teleport", "nodename"), config.teleport.nodename),
        (("auth_service", "cluster_name"), config.auth_service.cluster_name),
    ):
        if name and not _NAME.fullmatch(name):
            yield path, f"{name!r} is not a name; expected letters, digits, dots, dashes"


def _environment(config: Config) -> Iterator[Problem]:
    if len(config.ssh_service.enhanced_recording.environment) > MAX_VARIABLES:
        yield (
            ("ssh_service", "enhanced_recording", "environment"),
            f"more than {MAX_VARIABLES} variables cannot be recorded",
        )


def _paths(config: Config) -> Iterator[Problem]:
    recording = config.ssh_service.enhanced_recording
    for path, value in (
        (("teleport", "data_dir"), config.teleport.data_dir),
        (("teleport", "storage", "path"), config.teleport.storage.path),
        (("ssh_service", "enhanced_recording", "cgroup_path"), recording.cgroup_path),
        (("ssh_service", "enhanced_recording", "root_path"), recording.root_path),
    ):
        if value and (not value.startswith("/") or ".." in value.split("/")):
            yield path, f"{value!r} is not an absolute path"


def _joining(config: Config) -> Iterator[Problem]:
    teleport = config.teleport
    if teleport.auth_token and teleport.join_params:
        yield ("teleport", "join_params"), "auth_token is set as well; expected one of the two"
    if teleport.join_params and teleport.join_params.method != "token":
        yield ("teleport", "join_params", "method"), _not_yet(teleport.join_params.method, "token")
    for token in config.auth_service.tokens:
        try:
            static_token(token)
        except ConfigError as error:
            yield ("auth_service", "tokens"), error.message


def _unsupported(config: Config) -> Iterator[Problem]:
    storage, auth = config.teleport.storage, config.auth_service
    authentication = auth.authentication
    log = f"file://{config.teleport.data_dir}/log"
    if storage.type != "sqlite":
        yield ("teleport", "storage", "type"), _not_yet(f"storage in {storage.type}", "sqlite")
    for uri in storage.audit_events_uri:
        if uri.rstrip("/") != log:
            yield ("teleport", "storage", "audit_events_uri"), _not_yet(_scheme(uri), log)
    if storage.audit_sessions_uri and storage.audit_sessions_uri.rstrip("/") != log:
        uri = storage.audit_sessions_uri
        yield ("teleport", "storage", "audit_sessions_uri"), _not_yet(_scheme(uri), log)
    if auth.session_recording != "node":
        yield ("auth_service", "session_recording"), _not_yet(auth.session_recording, "node")
    if authentication.second_factor not in {"otp", "on"}:
        path = ("auth_service", "authentication", "second_factor")
        yield path, _not_yet(authentication.second_factor, "otp")
    if set(authentication.second_factors) - {"otp"}:
        path = ("auth_service", "authentication", "second_factors")
        yield path, _not_yet("any but otp", "otp")
    for path, enabled, wanted in (
        (("auth_service", "authentication", "local_auth"), not authentication.local_auth, "yes"),
        (
            ("auth_service", "authentication", "require_session_mfa"),
            authentication.require_session_mfa,
            "no",
        ),
        (("proxy_service", "acme", "enabled"), config.proxy_service.acme.enabled, "no"),
        (("ssh_service", "x11", "enabled"), config.ssh_service.x11.enabled, "no"),
    ):
        if enabled:
            yield path, _not_yet("no" if wanted == "yes" else "yes", wanted)


def _not_yet(what: str, instead: str) -> str:
    return f"{what} is not supported yet; expected {instead}"


def _scheme(uri: str) -> str:
    return f"a destination with the scheme {uri.partition(':')[0]!r}"
