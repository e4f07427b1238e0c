# SPDX-License-Identifier: Apache-2.0
"""Features of Teleport that Proctor lacks, and the configuration keys that ask for them.

A setting that would restrict or protect and cannot be honoured is refused. One that would only grant
something that does not exist here is accepted with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from proctor.config.schema import LOCAL_STORAGE, AuthService, Config, Storage

KeyPath = tuple[str, ...]
Remark = tuple[KeyPath, str]
_AUTHENTICATION = ("auth_service", "authentication")


def refused(config: Config) -> Iterator[Remark]:
    """Key and message of every setting that would protect and cannot be honoured."""
    if config.auth_service.enabled:
        yield from _storage(config)
        yield from _recording(config.auth_service)
        yield from _authentication(config.auth_service)
        keys = config.auth_service.ca_key_params
        for name in keys.__struct_fields__:
            if getattr(keys, name):
                yield ("auth_service", "ca_key_params", name), "keys in hardware are not supported"
    elif (params := config.teleport.join_params) and params.method != "token":
        message = f"the join method {params.method} is not supported; expected token"
        yield ("teleport", "join_params", "method"), message
    if config.ssh_service.enabled:
        yield from _sessions(config)


def _storage(config: Config) -> Iterator[Remark]:
    storage = config.teleport.storage
    log = f"file://{config.teleport.data_dir}/log"
    if storage.type not in LOCAL_STORAGE:
        yield ("teleport", "storage", "type"), f"storage in {storage.type} is not supported; expected sqlite"
        return
    for uri in storage.audit_events_uri:
        if uri.rstrip("/") != log and not _is_copy(uri, storage):
            yield ("teleport", "storage", "audit_events_uri"), _destination(uri, log)
    if storage.audit_sessions_uri and storage.audit_sessions_uri.rstrip("/") != log:
        yield ("teleport", "storage", "audit_sessions_uri"), _destination(storage.audit_sessions_uri, log)


def _is_copy(uri: str, storage: Storage) -> bool:
    """Is ``uri`` standard output, beside another destination that is searched?"""
    return uri.startswith("stdout:") and uri != storage.audit_events_uri[0]


def _destination(uri: str, instead: str) -> str:
    return f"a destination with the scheme {uri.partition(':')[0]!r} is not supported; expected {instead}"


def _recording(auth: AuthService) -> Iterator[Remark]:
    for path, mode in _modes(auth):
        if mode == "off":
            yield path, "sessions are always recorded; expected node"
        elif mode.endswith("-sync"):
            yield path, f"recording that is sent on while it is made ({mode}) is not supported; expected node"
    if auth.session_recording_config.encryption.enabled:
        path = ("auth_service", "session_recording_config", "encryption", "enabled")
        yield path, "encryption of recordings is not supported; expected no"


def _modes(auth: AuthService) -> list[tuple[KeyPath, str]]:
    return [
        (("auth_service", "session_recording"), auth.session_recording),
        (("auth_service", "session_recording_config", "mode"), auth.session_recording_config.mode),
    ]


def _authentication(auth: AuthService) -> Iterator[Remark]:
    asked = auth.authentication
    if not asked.local_auth:
        yield (*_AUTHENTICATION, "local_auth"), "other accounts than local ones do not exist; expected yes"
    if asked.second_factor in {"webauthn", "u2f"}:
        message = f"{asked.second_factor} alone is not supported; expected otp or on"
        yield (*_AUTHENTICATION, "second_factor"), message
    if asked.second_factors and "otp" not in asked.second_factors:
        message = f"{', '.join(asked.second_factors)} without otp is not supported; add otp"
        yield (*_AUTHENTICATION, "second_factors"), message
    if asked.require_session_mfa:
        yield (*_AUTHENTICATION, "require_session_mfa"), "yes is not supported; expected no"
    if asked.device_trust.mode.startswith("required"):
        yield (*_AUTHENTICATION, "device_trust", "mode"), "devices are not checked; expected off"
    for name in ("attestation_allowed_cas", "attestation_denied_cas"):
        if getattr(asked.webauthn, name):
            yield (
                (*_AUTHENTICATION, "webauthn", name),
                "the maker of a security key is not checked; remove it",
            )


def _sessions(config: Config) -> Iterator[Remark]:
    ssh = config.ssh_service
    if ssh.restricted_session.enabled:
        message = "not supported; give roles a network policy instead, see docs/resources.md"
        yield ("ssh_service", "restricted_session", "enabled"), message
    if ssh.pam.enabled and ssh.pam.use_pam_auth:
        yield ("ssh_service", "pam", "use_pam_auth"), "PAM's auth phase is not run; expected no"


def warned(config: Config) -> Iterator[Remark]:
    """Key and message of settings that grant what is not offered, or give way to something stricter."""
    if config.auth_service.enabled:
        yield from _replaced(config.auth_service)
        storage = config.teleport.storage
        if any(_is_copy(uri, storage) for uri in storage.audit_events_uri):
            yield ("teleport", "storage", "audit_events_uri"), "events are not copied to standard output"
    elif config.teleport.storage.type not in LOCAL_STORAGE:
        yield ("teleport", "storage"), "only the auth service has storage, and it does not run here"
    if config.proxy_service.enabled and config.proxy_service.acme.enabled:
        message = "certificates from ACME are not offered"
        advice = "" if config.proxy_service.https_keypairs else ": the page's certificate is self-signed"
        yield ("proxy_service", "acme"), message + advice
    if config.ssh_service.enabled and config.ssh_service.x11.enabled:
        yield ("ssh_service", "x11"), "X11 is not forwarded"


def _replaced(auth: AuthService) -> Iterator[Remark]:
    asked = auth.authentication
    if asked.type != "local":
        message = f"accounts of {asked.type} are not offered; people log in with local accounts"
        yield (*_AUTHENTICATION, "type"), message
    if asked.second_factor in {"off", "optional"}:
        message = f"{asked.second_factor} is not offered; a one-time password is always asked for"
        yield (*_AUTHENTICATION, "second_factor"), message
    if others := sorted(set(asked.second_factors) - {"otp"}):
        yield (*_AUTHENTICATION, "second_factors"), f"{', '.join(others)}: not offered; otp is asked for"
    for path, mode in _modes(auth):
        if mode == "proxy":
            yield path, "recording at the proxy is not offered; nodes record"
