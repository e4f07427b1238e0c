# SPDX-License-Identifier: Apache-2.0
"""``teleport configure`` and ``teleport node configure``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from proctor.cli.output import note, yaml
from proctor.config.load import parse
from proctor.config.schema import DEFAULT_PATH
from proctor.core.errors import ConfigError
from proctor.runtime.plan import ROLES, parse_labels, parse_roles

Recording = Annotated[
    bool,
    Option(
        "--enhanced-recording/--no-enhanced-recording",
        help="Record commands, files and connections of sessions.",
    ),
]

_RESULT = "the resulting file"
_FLAGS = {
    "version": "--version",
    "teleport.nodename": "--node-name",
    "teleport.data_dir": "--data-dir",
    "teleport.join_params.token_name": "--token",
    "teleport.ca_pin": "--ca-pin",
    "teleport.auth_server": "--auth-server",
    "teleport.proxy_server": "--proxy",
    "auth_service.cluster_name": "--cluster-name",
    "proxy_service.public_addr": "--public-addr",
    "proxy_service.https_keypairs": "--cert-file and --key-file",
}


@dataclass(frozen=True, kw_only=True)
class JoinOptions:
    """Flags about this host and how it joins; empty means not given."""

    node_name: Annotated[str, Option(help="Name of this host.")] = ""
    data_dir: Annotated[str, Option(help="Directory of everything the services keep.")] = ""
    auth_server: Annotated[str, Option(help="Address of the auth service.")] = ""
    proxy: Annotated[str, Option(help="Address of the proxy.")] = ""
    token: Annotated[str, Option(help="Join token, or the path of a file with it.")] = ""
    ca_pin: Annotated[list[str] | None, Option(help="Pin of the cluster's CA; may be repeated.")] = None
    join_method: Annotated[str, Option(help="How to join: token.")] = "token"
    version: Annotated[str, Option(help="Version of the file: v3.")] = "v3"

    def problems(self) -> Iterator[str]:
        """Return problems of flags together, or that cannot be seen in the file that they make."""
        if self.auth_server and self.proxy:
            yield "give one of --auth-server and --proxy"
        if self.join_method != "token":
            yield f"--join-method: {self.join_method} is not supported; expected token"
        if self.data_dir and not self.data_dir.startswith("/"):
            yield f"--data-dir: {self.data_dir!r} is not an absolute path"

    def section(self) -> dict[str, Any]:
        """The ``teleport`` section."""
        values = {
            "nodename": self.node_name,
            "data_dir": self.data_dir or "/var/lib/teleport",
            "join_params": {"method": self.join_method, "token_name": self.token} if self.token else {},
            "ca_pin": list(self.ca_pin or ()),
            "auth_server": self.auth_server,
            "proxy_server": self.proxy,
            "log": {"output": "stderr", "severity": "INFO", "format": {"output": "text"}},
        }
        return _given(values)


@dataclass(frozen=True, kw_only=True)
class Services:
    """Flags about what runs here; empty means not given."""

    roles: Annotated[str, Option(help="Services to enable: auth,proxy,node.")] = ""
    cluster_name: Annotated[str, Option(help="Name of the cluster.")] = ""
    public_addr: Annotated[str, Option(help="Address of the web page as people reach it.")] = ""
    cert_file: Annotated[str, Option(help="Certificate of the web page, PEM.")] = ""
    key_file: Annotated[str, Option(help="Private key of the web page, PEM.")] = ""
    node_labels: Annotated[str, Option(help="Labels of this node: key=value,key=value.")] = ""
    enhanced_recording: Recording = True
    acme: Annotated[bool, Option("--acme", help="Not supported.")] = False
    acme_email: Annotated[str, Option(help="Not supported.")] = ""

    def problems(self, labels_flag: str) -> Iterator[str]:
        """As ``JoinOptions.problems``; ``labels_flag``: the one that sets ``node_labels``."""
        if self.acme or self.acme_email:
            yield "--acme is not supported; give --cert-file and --key-file"
        if bool(self.cert_file) != bool(self.key_file):
            yield "--cert-file and --key-file go together"
        readers: list[Callable[[], object]] = []
        if self.node_labels:
            readers.append(lambda: parse_labels(self.node_labels, labels_flag))
        if self.roles:
            readers.append(lambda: parse_roles(self.roles))
        for read in readers:
            try:
                read()
            except ConfigError as error:
                yield error.message

    def sections(self) -> dict[str, Any]:
        """The sections of the services. Raises ConfigError."""
        for flag, path in (("--cert-file", self.cert_file), ("--key-file", self.key_file)):
            if path and not Path(path).exists():
                note(f"WARNING: {flag}: {path} does not exist on this host")
        pairs = [{"key_file": self.key_file, "cert_file": self.cert_file}] if self.cert_file else []
        labels = parse_labels(self.node_labels) if self.node_labels else {}
        settings: dict[str, dict[str, Any]] = {
            "auth": {"cluster_name": self.cluster_name},
            "proxy": {"public_addr": self.public_addr, "https_keypairs": pairs},
            "node": {
                "labels": labels,
                "enhanced_recording": {"enabled": "yes"} if self.enhanced_recording else {},
            },
        }
        enabled = parse_roles(self.roles) if self.roles else set(ROLES)
        return {
            section: {"enabled": "yes", **_given(settings[role])} if role in enabled else {"enabled": "no"}
            for role, section in ROLES.items()
        }


def render(joining: JoinOptions, services: Services, labels_flag: str = "--node-labels") -> str:
    """A configuration file; raises ConfigError, with all problems, when the flags do not make one."""
    problems = [*joining.problems(), *services.problems(labels_flag)]
    others = services if not problems else replace(services, node_labels="", roles="")
    text = yaml([{"version": joining.version, "teleport": joining.section(), **others.sections()}])
    try:
        parse(text, _RESULT)
    except ConfigError as error:
        problems += [_with_flag(line) for line in error.message.splitlines()]
    if problems:
        raise ConfigError("\n".join(problems))
    return text


def _with_flag(line: str) -> str:
    """A problem of the resulting file as one of the flag that its key comes from."""
    found = re.fullmatch(rf"{_RESULT}:\d+:\d+: ([\w.]+)[^:]*: (.*)", line)
    if found is None or (flag := _FLAGS.get(found[1])) is None:
        return line
    return f"{flag}: {found[2]}"


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def write(text: str, output: str) -> None:
    """Print ``text``, or make a private file of it; an existing one is not replaced."""
    if output == "stdout":
        print(text, end="")
        return
    path = Path(DEFAULT_PATH if output == "file" else output.removeprefix("file://"))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{path} exists; move it away or choose another with -o") from None
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    note(f"Wrote {path}. Check it: teleport configure --test {path}. Start: teleport start -c {path}")
