# SPDX-License-Identifier: Apache-2.0
"""Names that a host may have, checked when it joins and whenever it reports about itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from proctor.auth import hashing
from proctor.auth.document_store import Documents
from proctor.auth.hosts.names import (
    is_international,
    is_local,
    is_uuid_like,
    matches,
    normalize,
    parse_address,
)
from proctor.auth.hosts.registry import HostRegistry
from proctor.auth.settings import AuthSettings
from proctor.core.clock import Clock, parse_time
from proctor.core.errors import AccessDenied, BadRequest
from proctor.core.net import split_address
from proctor.model.identity import SystemRole
from proctor.model.resources import Node, TokenSpec

JOIN_AGAIN = timedelta(minutes=10)
"""For how long a host may join once more with the same token and secret from the same address: for another
service, or since it lost the answer. Token and address alone do not tell hosts behind one proxy apart."""

_IMPLIED = frozenset({"localhost", "127.0.0.1", "::1"})
"""In every host's SSH certificate: they mean the host itself to whoever is on it."""

_ALLOW = "Use another name, or a token whose spec.host_names lists this one."


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """A host that wants to join: ``peer`` is the address from which it calls, without the port.

    ``secret``: sent only by the services of this host when they join.
    """

    host_id: str
    role: SystemRole
    node_name: str
    principals: Sequence[str]
    peer: str
    token: str
    grant: TokenSpec
    secret: str = ""
    local: bool = False
    """It is the auth service's own host: only that knows the token."""


class HostNamePolicy:
    """Decides about names; ``registry`` remembers them."""

    def __init__(
        self, settings: AuthSettings, documents: Documents, registry: HostRegistry, clock: Clock
    ) -> None:
        self._settings = settings
        self._documents = documents
        self.registry = registry
        self._clock = clock

    async def admit(self, applicant: Applicant) -> list[str]:
        """The principals for the certificate of ``applicant``; it holds these and its node name from now on.

        Raises AccessDenied or BadRequest that says what it may not have, and why.
        """
        await self._check_host_id(applicant)
        names = {await self._name(applicant, applicant.node_name)}
        principals = []
        for principal in applicant.principals:
            if principal.lower().removesuffix(".") in _IMPLIED:
                continue
            if parse_address(principal) is not None:
                principals.append(self._address(applicant, principal))
            else:
                names.add(await self._name(applicant, principal))
                principals.append(normalize(principal))
        await self.registry.joined(
            applicant.host_id,
            names - {applicant.host_id},
            token=applicant.token,
            peer=applicant.peer,
            secret=applicant.secret,
            shared=applicant.role is SystemRole.PROXY or applicant.local,
        )
        return principals

    async def _check_host_id(self, applicant: Applicant) -> None:
        if applicant.local:
            return
        if applicant.host_id == self._settings.host_uuid:
            raise AccessDenied("the host id is that of the Auth Service")
        record = await self.registry.find(applicant.host_id)
        if record is None:
            return
        same = (record.token, record.peer) == (hashing.digest(applicant.token), applicant.peer)
        same = same and bool(applicant.secret) and record.secret == hashing.digest(applicant.secret)
        last = record.joined_last
        if not same or not last or self._clock.now() - parse_time(last) > JOIN_AGAIN:
            raise AccessDenied(
                f"a host with the id {applicant.host_id} has joined already",
                hint=f"If it is the same host, first run: tctl rm node/{applicant.host_id}",
            )

    async def _name(self, applicant: Applicant, text: str) -> str:
        """One name that the applicant may have, as the registry keeps it."""
        name = self._registered(normalize(text))
        if name == applicant.host_id or applicant.local:
            return name
        if is_uuid_like(name):
            raise AccessDenied(f"the name {name} belongs to another host")
        if is_local(name) or name == self._settings.cluster_name.lower():
            raise AccessDenied(f"the name {name} is not one that a host can have", hint=_ALLOW)
        if applicant.grant.host_names:
            await self._granted(applicant, name)
        else:
            await self._free(applicant, name)
        return name

    def _registered(self, name: str) -> str:
        """Names are kept without the cluster's: who has ``web`` has ``web.<cluster>`` too."""
        return name.removesuffix(f".{self._settings.cluster_name.lower()}")

    async def _granted(self, applicant: Applicant, name: str) -> None:
        if not matches(name, applicant.grant.host_names):
            raise AccessDenied(f"the token does not allow the name {name}", hint=_ALLOW)
        if await self.registry.holder(name) not in {"", applicant.host_id}:
            await self.registry.release(name)

    async def _free(self, applicant: Applicant, name: str) -> None:
        if is_international(name):
            raise AccessDenied(f"the name {name} may look like another one", hint=_ALLOW)
        holder = await self.registry.holder(name)
        taken = holder not in {"", applicant.host_id}
        if taken and applicant.role is SystemRole.PROXY:
            taken = not await self._is_proxy(holder)
        if taken or name in await self._service_names(applicant.role):
            raise AccessDenied(f"the name {name} belongs to another host", hint=_ALLOW)

    async def _is_proxy(self, host_id: str) -> bool:
        """Do proxies share this holder's names, as behind one balancer?"""
        return await self._documents.proxies.find(host_id) is not None

    async def _service_names(self, role: SystemRole) -> set[str]:
        """Names of the auth service and of the proxies; for a proxy, what the auth service has for itself.

        For that it is the configuration that counts, not what proxies report.
        """
        settings = self._settings
        own = self._all_registered([settings.node_name, *settings.names])
        shared = self._of_addresses(settings.proxy_public_addresses)
        if role is SystemRole.PROXY:
            return own - shared
        proxies = await self._documents.proxies.list()
        return own | shared | self._of_addresses([proxy.spec.addr for proxy in proxies])

    def _of_addresses(self, addresses: Sequence[str]) -> set[str]:
        return self._all_registered([split_address(address, 443)[0] for address in addresses])

    def _all_registered(self, names: Sequence[str]) -> set[str]:
        return {self._registered(name.lower().removesuffix(".")) for name in names}

    def _address(self, applicant: Applicant, text: str) -> str:
        address, peer = parse_address(text), parse_address(applicant.peer)
        networks = [ipaddress.ip_network(each, strict=False) for each in applicant.grant.host_addresses]
        own = address == peer or applicant.local or (address is not None and address.is_loopback)
        if not own and not any(address in network for network in networks):
            raise AccessDenied(
                f"the address {text} is not the one from which the host calls ({applicant.peer})",
                hint="Leave it out, or use a token whose spec.host_addresses lists it.",
            )
        return str(address)

    async def check_report(self, node: Node, role: SystemRole, certified: str, peer: str) -> None:
        """May a host report this about itself? ``certified``: the node name in its certificate.

        Raises AccessDenied for a name or an address of another host.
        """
        host_id, local = node.metadata.name, node.metadata.name == self._settings.host_uuid
        name = self._registered(normalize(node.spec.hostname))
        if name != self._registered(certified.lower().removesuffix(".")):
            applicant = Applicant(
                host_id=host_id, role=role, node_name=name, principals=(), peer=peer, token="",
                grant=TokenSpec(roles=[]), local=local,
            )  # fmt: skip
            await self._name(applicant, name)
        await self._check_reported_address(node, role, parse_address(peer))
        await self.registry.seen(host_id, "" if local else name)

    async def _check_reported_address(self, node: Node, role: SystemRole, peer: object) -> None:
        host, port = split_address(node.spec.addr, 0)
        address = parse_address(host)
        if address is None:
            host = self._registered(normalize(host))
            holder = await self.registry.holder(host)
            if holder not in {"", node.metadata.name} and role is not SystemRole.PROXY:
                raise AccessDenied(f"the address {host} belongs to another host")
            return
        if address.is_multicast or address.is_unspecified:
            raise BadRequest(f"{host} is not the address of a host")
        remote = getattr(peer, "is_loopback", True) is False
        if address.is_loopback and remote:
            raise AccessDenied(f"the address {host} is not that of another host")
        if role is SystemRole.NODE and await self._is_taken(node, host, port):
            raise AccessDenied(f"the address {node.spec.addr} belongs to another host")

    async def _is_taken(self, node: Node, host: str, port: int) -> bool:
        others = [
            each for each in await self._documents.nodes.list() if each.metadata.name != node.metadata.name
        ]
        return any(split_address(each.spec.addr, 0) == (host, port) for each in others)
