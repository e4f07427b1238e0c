# SPDX-License-Identifier: Apache-2.0
"""The certificates of the web page: those configured, or one of our own making that is kept."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proctor.config.boot import ServiceBoot
from proctor.core.clock import Clock
from proctor.core.durable import replace_file
from proctor.core.errors import ConfigError
from proctor.core.net import is_wildcard
from proctor.rpc import tls

LIFETIME = timedelta(days=365)
RENEWED = timedelta(days=30)
"""A certificate of our own with less than this to live is replaced at the next start."""

_KEY, _CERTIFICATE = "web.key", "web.crt"
_log = logging.getLogger(__name__)


def server_context(boot: ServiceBoot, clock: Clock) -> ssl.SSLContext:
    """The TLS side of the web page: TLS 1.2 or newer, the certificate chosen by the name asked for.

    Without ``https_keypairs`` a self-signed certificate is made and kept in ``proc/proxy``.
    Raises ConfigError when a configured pair cannot be used.
    """
    pairs = [
        Pair.read(Path(pair.key_file), Path(pair.cert_file))
        for pair in boot.config.proxy_service.https_keypairs
    ]
    if not pairs:
        pairs = [_self_signed(boot, clock)]
    first, *_ = pairs

    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = next((pair for pair in pairs if name and pair.covers(name)), first).context

    first.context.sni_callback = choose
    return first.context


@dataclass(frozen=True)
class Pair:
    """A certificate ready to serve, and the names that it is for."""

    context: ssl.SSLContext
    names: frozenset[str]

    @classmethod
    def read(cls, key: Path, certificate: Path) -> Pair:
        """From PEM files; raises ConfigError naming the file."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(certificate, key)
            leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(f"https_keypairs: {certificate} with {key}: {reason}") from None
        return cls(context, frozenset(_names(leaf)))

    def covers(self, name: str) -> bool:
        """Is this certificate for the host ``name``?"""
        _, _, parent = name.lower().partition(".")
        return name.lower() in self.names or f"*.{parent}" in self.names


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _self_signed(boot: ServiceBoot, clock: Clock) -> Pair:
    directory = boot.proc_dir()
    key, certificate = directory / _KEY, directory / _CERTIFICATE
    names = own_names(boot)
    if not _usable(certificate, names, clock.now()):
        private = tls.generate_key()
        replace_file(key, private)
        replace_file(certificate, self_signed(private, names, clock.now()))
    _log.warning(
        "the web page uses a self-signed certificate: browsers will warn and tsh needs --insecure; "
        "set proxy_service.https_keypairs"
    )
    return Pair.read(key, certificate)


def own_names(boot: ServiceBoot) -> list[str]:
    """Host names and addresses of this proxy, the public ones first."""
    proxy = boot.config.proxy_service
    configured = [address.host for address in (*proxy.public_addr, proxy.web_listen_addr)]
    wanted = [*configured, boot.config.teleport.advertise_ip, boot.node_name, socket.gethostname()]
    return list(
        dict.fromkeys([*(name for name in wanted if not is_wildcard(name)), "localhost", "127.0.0.1", "::1"])
    )


def _usable(certificate: Path, names: Sequence[str], now: datetime) -> bool:
    try:
        leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    if leaf.not_valid_after_utc - now <= RENEWED:
        return False
    extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(tls.alternative_names(names)) <= set(extension.value)


def self_signed(private_key: bytes, names: Sequence[str], now: datetime) -> bytes:
    """A server certificate (PEM) that vouches for itself, for ``names``."""
    key = tls.load_key(private_key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    alternatives = x509.SubjectAlternativeName(tls.alternative_names(names))
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - tls.BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(alternatives, critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
