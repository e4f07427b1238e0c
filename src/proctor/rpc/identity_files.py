# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates of one service or person, and the files that keep them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from proctor.core.durable import read_small, replace_file
from proctor.core.errors import Corrupted, NotFound
from proctor.rpc._pb import auth_pb2

_SSH_KEY = "ssh.key"
_FILES = {
    "tls_key": "tls.key",
    "tls_certificate": "tls.crt",
    "ssh_key": _SSH_KEY,
    "ssh_certificate": "ssh-cert.pub",
}
_AUTHORITIES = "authorities.json"


@dataclass(frozen=True, kw_only=True)
class Authorities:
    """The public half of a cluster's CAs: X.509 in PEM, SSH as public key lines."""

    cluster_name: str
    host_tls_ca: bytes
    user_tls_ca: bytes
    host_ssh_ca: list[str] = field(default_factory=list)
    user_ssh_ca: list[str] = field(default_factory=list)

    @classmethod
    def from_message(cls, message: auth_pb2.Authorities) -> Authorities:
        """From the RPC message."""
        return cls(
            cluster_name=message.cluster_name,
            host_tls_ca=message.host_tls_ca,
            user_tls_ca=message.user_tls_ca,
            host_ssh_ca=list(message.host_ssh_ca),
            user_ssh_ca=list(message.user_ssh_ca),
        )

    def to_message(self) -> auth_pb2.Authorities:
        """As the RPC message."""
        return auth_pb2.Authorities(**asdict(self))

    def user_ca_lines(self) -> list[str]:
        """The user CA for ``authorized_keys`` or ``TrustedUserCAKeys``, see sshd(8)."""
        return [
            f"cert-authority {key.strip()} clustername={self.cluster_name}&type=user"
            for key in self.user_ssh_ca
        ]

    def host_ca_lines(self) -> list[str]:
        """The host CA for ``known_hosts``, for all hosts of the cluster, see sshd(8)."""
        cluster = self.cluster_name
        return [
            f"@cert-authority *.{cluster},{cluster} {key.strip()} clustername={cluster}&type=host"
            for key in self.host_ssh_ca
        ]

    def to_json(self) -> bytes:
        """As kept in ``authorities.json``."""
        fields = asdict(self)
        texts = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in fields.items()
        }
        return json.dumps(texts, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Authorities:
        """The inverse of to_json; raises Corrupted."""
        try:
            fields = json.loads(data)
            return cls(
                cluster_name=fields["cluster_name"],
                host_tls_ca=fields["host_tls_ca"].encode(),
                user_tls_ca=fields["user_tls_ca"].encode(),
                host_ssh_ca=list(fields["host_ssh_ca"]),
                user_ssh_ca=list(fields["user_ssh_ca"]),
            )
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise Corrupted(f"{_AUTHORITIES} does not hold a cluster's authorities: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Credentials of a service or person, with the CAs that it trusts. Keys are private; never log one."""

    tls_key: bytes = field(repr=False)
    tls_certificate: bytes
    ssh_key: bytes = field(repr=False, default=b"")
    ssh_certificate: bytes = b""
    authorities: Authorities

    @classmethod
    def from_certificates(
        cls,
        answer: auth_pb2.UserCertificates | auth_pb2.HostCredentials,
        *,
        tls_key: bytes,
        ssh_key: bytes = b"",
    ) -> Credentials:
        """The certificates of an RPC's answer, with the keys that they were asked for."""
        return cls(
            tls_key=tls_key,
            tls_certificate=answer.tls_certificate,
            ssh_key=ssh_key,
            ssh_certificate=answer.ssh_certificate,
            authorities=Authorities.from_message(answer.authorities),
        )

    def to_texts(self) -> dict[str, str]:
        """As JSON can hold them; private keys included."""
        texts = {name: getattr(self, name).decode() for name in _FILES}
        return texts | {"authorities": self.authorities.to_json().decode()}

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Credentials:
        """The inverse of to_texts; raises Corrupted."""
        try:
            fields = {name: texts[name].encode() for name in _FILES}
            return cls(authorities=Authorities.from_json(texts["authorities"].encode()), **fields)
        except KeyError as error:
            raise Corrupted(f"credentials without {error}") from None


class IdentityFiles:
    """A directory such as ``proc/node``: 0700, files 0600, written atomically.

    The SSH key is missing in a node's, which has its host key kept from it.
    """

    @staticmethod
    def exists(directory: Path) -> bool:
        """Was an identity saved here?"""
        return (directory / _AUTHORITIES).is_file()

    @staticmethod
    def load(directory: Path) -> Credentials:
        """Read an identity; raises NotFound when there is none, Corrupted when it does not decode."""
        try:
            names = [name for name in _FILES if name != "ssh_key" or (directory / _SSH_KEY).exists()]
            texts = {name: (directory / _FILES[name]).read_bytes() for name in names}
            authorities = (directory / _AUTHORITIES).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"no identity in {directory}: {error.filename} is missing") from None
        return Credentials(authorities=Authorities.from_json(authorities), **texts)

    @staticmethod
    def save(directory: Path, credentials: Credentials, uid: int = -1) -> None:
        """Write an identity for ``uid``. ``authorities.json`` goes first and comes last, as its mark."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chown(directory, uid, -1)
        directory.chmod(0o700)
        (directory / _AUTHORITIES).unlink(missing_ok=True)
        for name, file in _FILES.items():
            if name == "ssh_key" and not credentials.ssh_key:
                (directory / file).unlink(missing_ok=True)
            else:
                replace_file(directory / file, getattr(credentials, name), owner=(uid, -1))
        replace_file(directory / _AUTHORITIES, credentials.authorities.to_json(), owner=(uid, -1))


def write_identity_file(path: Path, credentials: Credentials) -> None:
    """One text file with all of ``credentials``, for ``tctl auth sign`` and ``tsh -i``."""
    lines = [f"@cert-authority-{kind} {line}" for kind, line in _authority_lines(credentials.authorities)]
    parts = [
        credentials.tls_key,
        credentials.tls_certificate,
        _labelled("HOST CA", credentials.authorities.host_tls_ca),
        _labelled("USER CA", credentials.authorities.user_tls_ca),
        credentials.ssh_key,
        credentials.ssh_certificate,
        f"@cluster {credentials.authorities.cluster_name}".encode(),
        *(line.encode() for line in lines),
    ]
    replace_file(path, b"\n".join(part.strip() for part in parts) + b"\n")


def _authority_lines(authorities: Authorities) -> Iterable[tuple[str, str]]:
    yield from (("host", line) for line in authorities.host_ssh_ca)
    yield from (("user", line) for line in authorities.user_ssh_ca)


def _labelled(label: str, pem: bytes) -> bytes:
    return pem.replace(b"CERTIFICATE-----", f"{label} CERTIFICATE-----".encode())


def read_identity_file(path: Path) -> Credentials:
    """The inverse of :func:`write_identity_file`; raises NotFound or Corrupted."""
    try:
        text = read_small(path).decode()
    except FileNotFoundError:
        raise NotFound(f"identity file {path} does not exist") from None
    except OSError as error:
        raise Corrupted(f"identity file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Corrupted(f"{path} is not an identity file") from None
    blocks, lines = _split(text)
    try:
        return Credentials(
            tls_key="".join(blocks["PRIVATE KEY"]).encode(),
            tls_certificate="".join(blocks["CERTIFICATE"]).encode(),
            ssh_key="".join(blocks["OPENSSH PRIVATE KEY"]).encode(),
            ssh_certificate=next(line for line in lines if "-cert-v01@openssh.com " in line).encode(),
            authorities=Authorities(
                cluster_name=_tagged(lines, "@cluster")[0],
                host_tls_ca=_unlabelled("HOST CA", blocks),
                user_tls_ca=_unlabelled("USER CA", blocks),
                host_ssh_ca=_tagged(lines, "@cert-authority-host"),
                user_ssh_ca=_tagged(lines, "@cert-authority-user"),
            ),
        )
    except (KeyError, StopIteration, IndexError):
        raise Corrupted(
            f"{path} is not an identity file", hint="Make one with: tctl auth sign --out FILE"
        ) from None


def _split(text: str) -> tuple[dict[str, list[str]], list[str]]:
    blocks: dict[str, list[str]] = {}
    lines: list[str] = []
    current: list[str] | None = None
    for line in text.splitlines(keepends=True):
        if line.startswith("-----BEGIN "):
            current = blocks.setdefault(line.removeprefix("-----BEGIN ").strip().removesuffix("-----"), [])
        (lines if current is None else current).append(line if current is not None else line.strip())
        if line.startswith("-----END "):
            current = None
    return blocks, lines


def _tagged(lines: list[str], tag: str) -> list[str]:
    return [line.split(" ", 1)[1] for line in lines if line.startswith(f"{tag} ")]


def _unlabelled(label: str, blocks: dict[str, list[str]]) -> bytes:
    return "".join(blocks[f"{label} CERTIFICATE"]).replace(f"{label} CERTIFICATE", "CERTIFICATE").encode()
