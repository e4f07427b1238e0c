# SPDX-License-Identifier: Apache-2.0
"""The certificates that have been issued and have not ended, kept in the backend by their serial numbers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from proctor.auth import hashing
from proctor.model.identity import HostIdentity, SystemRole, UserIdentity
from proctor.model.serde import from_json, to_json
from proctor.storage.base import Backend


class IssuedCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate (X.509 and SSH have one serial number). Either ``user`` or ``host`` is set."""

    serial: int
    user: UserIdentity | None = None
    host: HostIdentity | None = None

    @property
    def holder(self) -> str:
        """Name of the user, or id of the host."""
        return self.user.username if self.user else self.host.host_id if self.host else ""

    @property
    def is_node(self) -> bool:
        """Is it one of a host's node service?"""
        return self.host is not None and self.host.role is SystemRole.NODE


class IssuedCertificates:
    """All of them, by holder. A certificate is kept here before it is given out."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def add(self, certificate: IssuedCertificate, expires: datetime) -> None:
        """Keep a certificate until it ends by itself."""
        key = f"{_prefix(certificate.holder)}{certificate.serial}"
        await self._backend.put(key, to_json(certificate), expires=expires)

    async def of_user(self, name: str) -> list[IssuedCertificate]:
        """Those of a user."""
        return [each for each in await self._range(_prefix(name)) if each.user and each.holder == name]

    async def of_host(self, host_id: str) -> list[IssuedCertificate]:
        """Those of a host."""
        return [each for each in await self._range(_prefix(host_id)) if each.host]

    async def all(self) -> list[IssuedCertificate]:
        """Those of everybody."""
        return await self._range("certificates/")

    async def _range(self, prefix: str) -> list[IssuedCertificate]:
        return [from_json(item.value, IssuedCertificate) for item in await self._backend.range(prefix)]


def _prefix(holder: str) -> str:
    return f"certificates/{hashing.digest(holder)}/"
