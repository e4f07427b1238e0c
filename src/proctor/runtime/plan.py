# SPDX-License-Identifier: Apache-2.0
"""The plan of ``teleport start``: the configuration file, overridden by the flags."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from proctor.config.boot import SERVICES, ServiceName
from proctor.config.load import LoadedConfig, parse, read
from proctor.config.schema import DEFAULT_PATH, Config, Section
from proctor.config.values import read_address, read_pin
from proctor.core.errors import ConfigError
from proctor.core.net import Address, reachable_host
from proctor.runtime import preflight

T = TypeVar("T")
ROLES = {"auth": "auth_service", "proxy": "proxy_service", "node": "ssh_service"}
_FIXED = ("data_dir", "diag_addr", "pid_file", "log")


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of ``teleport start``; empty means not given."""

    config: str = ""
    config_string: str = ""
    roles: str = ""
    token: str = ""
    ca_pin: tuple[str, ...] = ()
    auth_server: str = ""
    nodename: str = ""
    labels: str = ""
    listen_ip: str = ""
    advertise_ip: str = ""
    pid_file: str = ""
    diag_addr: str = ""
    permit_user_env: bool = False
    enhanced_recording: bool = False
    skip_version_check: bool = False
    debug: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the supervisor needs to know, and nothing that it finds out by itself."""

    config: Config
    services: tuple[ServiceName, ...]
    warnings: tuple[str, ...] = ()
    flags: Flags = Flags()

    @property
    def node_name(self) -> str:
        """Name of this host in the cluster."""
        return self.config.teleport.nodename or socket.gethostname()

    @property
    def cluster_name(self) -> str:
        """Name of the cluster, when this host runs its auth service; else empty."""
        return (self.config.auth_service.cluster_name or self.node_name) if "auth" in self.services else ""

    @property
    def auth_candidates(self) -> list[str]:
        """Return the addresses of auth seen from this host, the preferred one first."""
        teleport = self.config.teleport
        if "auth" in self.services:
            listen = self.config.auth_service.listen_addr
            return [str(replace(listen, host=reachable_host(listen.host)))]
        addresses = [teleport.proxy_server, teleport.auth_server, *teleport.auth_servers]
        return [str(address) for address in addresses if address]

    def keeping(self, running: Config) -> Plan:
        """The same plan, with the settings of ``running`` that cannot change while the services run."""
        kept = {name: getattr(running.teleport, name) for name in _FIXED}
        config = replace(self.config, teleport=replace(self.config.teleport, **kept))
        return replace(self, config=config)


def make(flags: Flags) -> Plan:
    """The plan for ``flags``. Raises ConfigError for all that keeps it from being started here."""
    plan = draft(flags)
    preflight.refuse([*preflight.problems(plan), *preflight.of_this_host(plan)])
    return plan


def draft(flags: Flags) -> Plan:
    """Read the file that ``flags`` name and lay them over it. Raises ConfigError."""
    loaded = _source(flags)
    config = merge(loaded.config, flags)
    warnings = tuple(loaded.warnings) + tuple(_unrecorded(config))
    return Plan(config=config, services=services_of(config), warnings=warnings, flags=flags)


def _unrecorded(config: Config) -> Iterator[str]:
    if config.ssh_service.enabled and not config.ssh_service.enhanced_recording.enabled:
        yield (
            "sessions of this node are recorded as terminals show them only, without commands, files and "
            "connections; set ssh_service.enhanced_recording.enabled: yes, or give --enhanced-recording"
        )


def _source(flags: Flags) -> LoadedConfig:
    if flags.config_string:
        try:
            text = base64.b64decode(flags.config_string, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ConfigError("--config-string: not base64 of UTF-8 text") from None
        return parse(text, "--config-string")
    if not flags.config and not Path(DEFAULT_PATH).exists():
        return parse("", DEFAULT_PATH)
    return read(Path(flags.config or DEFAULT_PATH))


def merge(config: Config, flags: Flags) -> Config:
    """``config`` with the settings that ``flags`` give. Raises ConfigError naming the flag."""
    teleport = config.teleport
    changes: dict[str, object] = {
        "nodename": flags.nodename,
        "advertise_ip": flags.advertise_ip,
        "pid_file": flags.pid_file,
        "ca_pin": [_flag("--ca-pin", read_pin, pin) for pin in flags.ca_pin],
        "diag_addr": flags.diag_addr
        and _flag("--diag-addr", lambda t: read_address(t, 3000), flags.diag_addr),
    }
    if flags.token:
        changes |= {"auth_token": flags.token}
        teleport = replace(teleport, join_params=None)
    if flags.auth_server:
        address = _flag("--auth-server", lambda text: read_address(text, 3025), flags.auth_server)
        changes |= {"auth_server": address}
        teleport = replace(teleport, proxy_server=None, auth_servers=[])
    teleport = replace(teleport, **{key: value for key, value in changes.items() if value})
    config = replace(config, teleport=teleport)
    return _with_services(config, flags)


def _with_services(config: Config, flags: Flags) -> Config:
    roles = parse_roles(flags.roles) if flags.roles else None
    sections = {name: getattr(config, name) for name in ROLES.values()}
    if roles is not None:
        sections = {ROLES[role]: replace(sections[ROLES[role]], enabled=role in roles) for role in ROLES}
    if flags.listen_ip:
        sections = {name: _listening(section, flags.listen_ip) for name, section in sections.items()}
    ssh = sections["ssh_service"]
    if flags.labels:
        ssh = replace(ssh, labels=ssh.labels | parse_labels(flags.labels))
    if flags.permit_user_env:
        ssh = replace(ssh, permit_user_env=True)
    if flags.enhanced_recording:
        ssh = replace(ssh, enhanced_recording=replace(ssh.enhanced_recording, enabled=True))
    return replace(config, **sections | {"ssh_service": ssh})


def parse_roles(text: str) -> set[str]:
    """Roles written ``auth,proxy,node``. Raises ConfigError."""
    names = {name.strip().lower() for name in text.split(",")}
    unknown = names - set(ROLES)
    if unknown:
        raise ConfigError(f"--roles: {sorted(unknown)[0]!r} is not a role; expected {', '.join(ROLES)}")
    return names


def _listening(section: Section, host: str) -> Section:
    host = _flag("--listen-ip", _ip, host)
    addresses = {
        field: replace(value, host=host)
        for field in section.__struct_fields__
        if field.endswith("listen_addr") and isinstance(value := getattr(section, field), Address)
    }
    return replace(section, **addresses)


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def parse_labels(text: str, flag: str = "--labels") -> dict[str, str]:
    """Labels written ``key=value,key=value``. Raises ConfigError, which names ``flag``."""
    labels = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"{flag}: {part!r} is not key=value")
        labels[key.strip()] = value.strip()
    return labels


def _flag(name: str, read_value: Callable[[str], T], text: str) -> T:
    try:
        return read_value(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def services_of(config: Config) -> tuple[ServiceName, ...]:
    """The services to run, in the order in which they start."""
    wanted = {role for role, section in ROLES.items() if getattr(config, section).enabled}
    if "node" in wanted:
        wanted.add("spawner")
        if config.ssh_service.enhanced_recording.enabled:
            wanted.add("capture")
    return tuple(service for service in SERVICES if service in wanted)


def changed(service: ServiceName, old: Config, new: Config) -> bool:
    """Must ``service`` start again to follow the configuration from ``old`` to ``new``?"""
    if service == "capture":
        return old.ssh_service.enhanced_recording != new.ssh_service.enhanced_recording
    own = {"auth": "auth_service", "proxy": "proxy_service"}.get(service, "ssh_service")
    return old.teleport != new.teleport or getattr(old, own) != getattr(new, own)


def fixed(old: Config, new: Config) -> Sequence[str]:
    """Settings that differ but cannot change while the services run."""
    return [
        f"teleport.{name}" for name in _FIXED if getattr(old.teleport, name) != getattr(new.teleport, name)
    ]
