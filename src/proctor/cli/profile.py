# SPDX-License-Identifier: Apache-2.0
"""Profile of ``tsh login``: ``~/.tsh`` (or ``$TELEPORT_HOME``), readable by its owner only.

``current-profile`` names the profile in use, ``<name>.json`` says where the proxy is, ``keys/<name>/`` holds
keys, certificates and the cluster's authorities (``rpc.identity.IdentityFiles``) and ``known_hosts``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from proctor.cli.output import note
from proctor.core.durable import replace_file
from proctor.core.errors import Corrupted, ProctorError

_CURRENT = "current-profile"
NOT_LOGGED_IN = "You are not logged in."


class Profile:
    """One login: addresses ``web`` and ``ssh`` of the proxy, its version, user, cluster.

    ``insecure``: the proxy's certificate was not verified when logging in.
    """

    def __init__(
        self, *, web: str, ssh: str, user: str, cluster: str, version: str, insecure: bool = False
    ) -> None:
        self.web = web
        self.ssh = ssh
        self.user = user
        self.cluster = cluster
        self.version = version
        self.insecure = insecure

    @property
    def name(self) -> str:
        """The name of its files: the web address with the characters that file names cannot hold replaced."""
        return "".join(char if char.isalnum() or char in ".-" else "_" for char in self.web)

    @property
    def keys(self) -> str:
        """Directory of its keys."""
        return f"{home()}/keys/{self.name}"

    def save(self) -> None:
        """Write it and make it the current one."""
        _write(f"{self.name}.json", json.dumps(vars(self), indent=1))
        _write(_CURRENT, self.name)


def home() -> str:
    """The directory of all profiles."""
    return os.environ.get("TELEPORT_HOME") or os.path.expanduser("~/.tsh")


def current() -> Profile | None:
    """The profile in use, None without a login. Raises Corrupted."""
    name = _read(_CURRENT)
    text = _read(f"{name}.json") if name else ""
    if not text:
        return None
    try:
        return Profile(**json.loads(text))
    except (ValueError, TypeError):
        raise Corrupted(f"{home()}/{name}.json is damaged", hint="Log in again.") from None


def find(web: str) -> Profile | None:
    """The profile of the proxy at ``web``."""
    for name in os.listdir(home()) if os.path.isdir(home()) else ():
        if name.endswith(".json") and (text := _read(name)):
            profile = Profile(**json.loads(text))
            if profile.web == web:
                return profile
    return None


def remove(profile: Profile) -> None:
    """Delete its keys and certificates, then the profile itself."""
    for directory, _, names in os.walk(profile.keys, topdown=False):
        for name in names:
            os.unlink(os.path.join(directory, name))
        os.rmdir(directory)
    for name in (f"{profile.name}.json", _CURRENT):
        if name != _CURRENT or _read(_CURRENT) == profile.name:
            os.unlink(f"{home()}/{name}")


def ensure_home() -> str:
    """The directory of all profiles, created when missing, readable by its owner only."""
    directory = home()
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.chmod(directory, 0o700)
    except OSError as error:
        raise ProctorError(f"cannot use {directory}: {error.strerror}") from None
    return directory


def _read(name: str) -> str:
    try:
        with open(f"{home()}/{name}", encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _write(name: str, text: str) -> None:
    replace_file(f"{ensure_home()}/{name}", text.encode())


def proxy_version() -> dict[str, str]:
    """``proxy_version`` and ``proxy`` of the login; empty without one."""
    if not os.path.exists(f"{home()}/{_CURRENT}"):
        return {}
    try:
        profile = current()
    except ProctorError as error:
        note(f"WARNING: {error.message}")
        return {}
    return {"proxy_version": profile.version, "proxy": profile.web} if profile else {}


def version_lines(proxy: Mapping[str, str]) -> list[str]:
    """Return the lines about the proxy in ``tsh version``."""
    return [f"Proxy version: {proxy['proxy_version']}", f"Proxy: {proxy['proxy']}"] if proxy else []
