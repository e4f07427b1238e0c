# SPDX-License-Identifier: Apache-2.0
"""Which names and addresses a host gets when it joins, and which it may report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proctor.auth.document_store import Documents
from proctor.auth.hosts.policy import JOIN_AGAIN, Applicant, HostNamePolicy
from proctor.auth.hosts.registry import HostRegistry
from proctor.auth.settings import AuthSettings
from proctor.core.clock import FakeClock
from proctor.core.errors import AccessDenied, BadRequest
from proctor.model.identity import SystemRole
from proctor.model.resources import Metadata, Node, NodeSpec, TokenSpec
from testing.backend import MemoryBackend

AUTH = "00000000-0000-4000-8000-000000000000"
ONE = "1048a649-8f3f-4431-9529-0c53339b65a5"
TWO = "531dc1de-c2c9-49bd-a0e3-4f4f3a523f5f"
PEER = "192.0.2.7"


class Fixture:
    """The policy of the cluster ``purple``, whose proxy is ``proxy.example.com``."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        backend = MemoryBackend(self.clock)
        self.documents = Documents(backend)
        self.registry = HostRegistry(backend, self.clock)
        settings = AuthSettings(
            cluster_name="purple",
            host_uuid=AUTH,
            listen_address="",
            own_identity=Path(),
            admin_identity=Path(),
            node_name="auth",
            proxy_public_addresses=("proxy.example.com:443",),
        )
        self.policy = HostNamePolicy(settings, self.documents, self.registry, self.clock)

    async def join(
        self, host_id: str = ONE, name: str = "web", *principals: str, **changes: Any
    ) -> list[str]:
        names, addresses = changes.pop("names", []), changes.pop("addresses", [])
        fields: dict[str, Any] = {"role": SystemRole.NODE, "peer": PEER, "token": "t", "secret": "s"}
        grant = TokenSpec(roles=["node"], host_names=names, host_addresses=addresses)
        return await self.policy.admit(
            Applicant(
                host_id=host_id, node_name=name, principals=principals, grant=grant, **{**fields, **changes}
            )
        )

    async def report(self, host_id: str, name: str, address: str = "10.0.0.1:3022", peer: str = PEER) -> None:
        """Under a name other than the certified one."""
        node = Node(metadata=Metadata(name=host_id), spec=NodeSpec(hostname=name, addr=address))
        await self.policy.check_report(node, SystemRole.NODE, "web", peer)


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


async def test_names_belong_to_the_host_that_had_them_first(fixture: Fixture) -> None:
    assert await fixture.join(ONE, "web", "WWW.example.com.") == ["www.example.com"]
    assert await fixture.registry.holder("www.example.com") == ONE
    for name in ("web", "WEB", "web.", "web.purple", "www.example.com"):
        with pytest.raises(AccessDenied, match="belongs to another host"):
            await fixture.join(TWO, name)
        with pytest.raises(AccessDenied, match="belongs to another host"):
            await fixture.join(TWO, "db", name)
    assert await fixture.registry.find(TWO) is None
    await fixture.join(TWO, "db")


@pytest.mark.parametrize(
    "name",
    ["auth", "proxy.example.com", "purple", "localhost", "a.invalid", TWO, TWO.replace("-", ""), "xn--a"],
)
async def test_names_that_no_host_can_have(fixture: Fixture, name: str) -> None:
    with pytest.raises(AccessDenied):
        await fixture.join(ONE, name)


@pytest.mark.parametrize("name", ["", "-a", "a..b", "127.1", "0x7f000001", "a b", "w\u00e9b", "a" * 64, "*"])
async def test_texts_that_are_no_names(fixture: Fixture, name: str) -> None:
    with pytest.raises(BadRequest):
        await fixture.join(ONE, name)


async def test_host_id_is_taken_by_the_first(fixture: Fixture) -> None:
    with pytest.raises(AccessDenied, match="that of the Auth Service"):
        await fixture.join(AUTH)
    await fixture.join()
    await fixture.join()  # the answer was lost
    for changes in ({"token": "u"}, {"peer": "192.0.2.8"}, {"secret": "x"}, {"secret": ""}):
        with pytest.raises(AccessDenied, match="has joined already"):
            await fixture.join(**changes)
    fixture.clock.advance(JOIN_AGAIN.total_seconds())
    await fixture.join()
    fixture.clock.advance(JOIN_AGAIN.total_seconds() + 1)
    with pytest.raises(AccessDenied, match="has joined already"):
        await fixture.join()


async def test_token_with_names_allows_these_alone_even_of_others(fixture: Fixture) -> None:
    await fixture.join(ONE, "web-1")
    with pytest.raises(AccessDenied, match="token does not allow"):
        await fixture.join(TWO, "db", names=["web-*"])
    await fixture.join(TWO, "web-1", names=["WEB-*"])
    assert await fixture.registry.holder("web-1") == TWO


@pytest.mark.parametrize("address", [PEER, f"[::ffff:{PEER}]", "127.0.0.2", "10.1.2.3"])
async def test_addresses_that_a_host_may_have(fixture: Fixture, address: str) -> None:
    (principal,) = await fixture.join(ONE, "web", address, addresses=["10.0.0.0/8"])
    assert principal == address.strip("[]").removeprefix("::ffff:")


@pytest.mark.parametrize("address", ["192.0.2.8", "11.0.0.1", "2001:db8::1"])
async def test_address_of_another_host_is_refused(fixture: Fixture, address: str) -> None:
    with pytest.raises(AccessDenied, match="is not the one from which the host calls"):
        await fixture.join(ONE, "web", address, addresses=["10.0.0.0/8"])


async def test_implied_names_are_not_repeated(fixture: Fixture) -> None:
    assert await fixture.join(ONE, "web", "localhost", "LOCALHOST.", "127.0.0.1", "::1") == []


async def test_proxies_share_names_with_proxies_alone(fixture: Fixture) -> None:
    await fixture.join(ONE, "web", role=SystemRole.PROXY)
    with pytest.raises(AccessDenied):
        await fixture.join(TWO, "web", role=SystemRole.PROXY)
    spec = NodeSpec(hostname="web", addr="web:443")
    await fixture.documents.proxies.put(Node(metadata=Metadata(name=ONE), spec=spec))
    await fixture.join(TWO, "web", role=SystemRole.PROXY)
    assert await fixture.registry.holder("web") == ONE


async def test_reports_under_names_of_others_are_refused(fixture: Fixture) -> None:
    await fixture.join(ONE, "web")
    await fixture.join(TWO, "db")
    await fixture.report(ONE, "web")
    await fixture.report(ONE, "free")
    assert await fixture.registry.holder("free") == ONE
    for name in ("db", "db.purple", "proxy.example.com", TWO):
        with pytest.raises(AccessDenied):
            await fixture.report(ONE, name)


async def test_reported_addresses(fixture: Fixture) -> None:
    spec = NodeSpec(hostname="db", addr="10.0.0.2:3022")
    await fixture.documents.nodes.put(Node(metadata=Metadata(name=TWO), spec=spec))
    await fixture.report(ONE, "web", "10.0.0.2:22")
    await fixture.report(ONE, "web", "127.0.0.1:3022", peer="127.0.0.1")
    for address in ("10.0.0.2:3022", "127.0.0.1:3022"):
        with pytest.raises(AccessDenied):
            await fixture.report(ONE, "web", address)
    for address in ("0.0.0.0:3022", "224.0.0.1:3022"):
        with pytest.raises(BadRequest):
            await fixture.report(ONE, "web", address)
