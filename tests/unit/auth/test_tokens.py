# SPDX-License-Identifier: Apache-2.0
"""Join tokens: who may join with what, and why not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from proctor.auth.document_store import Documents
from proctor.auth.settings import StaticToken
from proctor.auth.tokens import Tokens
from proctor.core.clock import FakeClock, format_time
from proctor.core.errors import AccessDenied, AlreadyExists, BadRequest, NotFound, ProctorError
from proctor.model.resources import Metadata, Token, TokenSpec
from testing.backend import MemoryBackend

STATIC = StaticToken(value="static-token", roles=frozenset({"proxy"}))
HIDDEN = StaticToken(value="hidden-token", roles=frozenset({"node"}), listed=False)


class World:
    """Tokens over a store in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.backend = MemoryBackend(self.clock)
        self.tokens = Tokens(self.backend, Documents(self.backend), [STATIC, HIDDEN], self.clock)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_token_lets_its_roles_join_until_it_expires(world: World) -> None:
    token = (await world.tokens.create(["node", "node"], 300, "")).metadata.name
    for _ in range(2):
        await world.tokens.check(token, "node")
    with pytest.raises(AccessDenied, match="does not allow the role proxy"):
        await world.tokens.check(token, "proxy")
    world.clock.advance(300)
    with pytest.raises(AccessDenied, match="has expired"):
        await world.tokens.check(token, "node")


async def test_revoked_differs_from_expired_and_unknown(world: World) -> None:
    token = (await world.tokens.create(["node"], 300, "")).metadata.name
    await world.tokens.revoke(token)
    world.clock.advance(3600)
    with pytest.raises(AccessDenied, match="was revoked"):
        await world.tokens.check(token, "node")
    with pytest.raises(AccessDenied, match="is not known"):
        await world.tokens.check("0" * 32, "node")
    with pytest.raises(NotFound):
        await world.tokens.revoke(token)


@pytest.mark.parametrize("value", ["", "a/b", "x" * 5000, "\x00", "static-toke", "static-token "])
async def test_what_is_no_token_is_not_known(world: World, value: str) -> None:
    with pytest.raises(AccessDenied, match="is not known"):
        await world.tokens.check(value, "node")


async def test_static_tokens_stay(world: World) -> None:
    world.clock.advance(10**8)
    await world.tokens.check(STATIC.value, "proxy")
    await world.tokens.check(HIDDEN.value, "node")
    assert [token.metadata.name for token in await world.tokens.list()] == [STATIC.value]
    assert (await world.tokens.describe(STATIC.value)).spec.roles == ["proxy"]
    with pytest.raises(NotFound, match=r"\*+ken"):
        await world.tokens.describe(HIDDEN.value)
    with pytest.raises(BadRequest, match="configuration file"):
        await world.tokens.revoke(STATIC.value)


@pytest.mark.parametrize(
    ("roles", "ttl", "value", "reason"),
    [
        ([], 0, "", "no role"),
        (["admin"], 0, "", "unknown role 'admin'"),
        (["auth"], 0, "", "unknown role 'auth'"),
        (["node"], 48 * 3600 + 1, "", "at most 48h"),
        (["node"], -1, "", "at most 48h"),
        (["node"], 0, "short", "at least 8"),
    ],
)
async def test_tokens_that_are_not_made(
    world: World, roles: list[str], ttl: int, value: str, reason: str
) -> None:
    with pytest.raises(BadRequest, match=reason):
        await world.tokens.create(roles, ttl, value)


async def test_a_value_may_be_chosen_once(world: World) -> None:
    await world.tokens.create(["node"], 0, "chosen-by-hand")
    with pytest.raises(AlreadyExists):
        await world.tokens.create(["proxy"], 0, "chosen-by-hand")
    with pytest.raises(AccessDenied):
        await world.tokens.check("chosen-by-hand", "proxy")


async def test_a_token_made_again_works_again(world: World) -> None:
    for end in ("revoke", "expire"):
        await world.tokens.create(["node"], 60, "chosen-by-hand")
        await world.tokens.check("chosen-by-hand", "node")
        if end == "revoke":
            await world.tokens.revoke("chosen-by-hand")
        else:
            world.clock.advance(60)


@pytest.mark.parametrize(
    "expires", ["yesterday", "2020-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "2030-01-01"]
)
async def test_documents_with_a_bad_expiry_are_refused(world: World, expires: str) -> None:
    token = Token(metadata=Metadata(name="0123456789", expires=expires), spec=TokenSpec(roles=["node"]))
    with pytest.raises(BadRequest, match="expires"):
        await world.tokens.adopt(token)


async def test_the_store_is_searched_by_a_digest(world: World) -> None:
    token = (await world.tokens.create(["node"], 60, "")).metadata.name
    assert all(token not in item.key for item in await world.backend.range(""))
    assert [found.metadata.name for found in await world.tokens.list()][1:] == [token]


async def test_refusals_do_not_repeat_the_token(world: World) -> None:
    token = (await world.tokens.create(["node"], 60, "")).metadata.name
    for value, role in ((token, "proxy"), ("f" * 32, "node")):
        with pytest.raises(ProctorError) as refusal:
            await world.tokens.check(value, role)
        assert value not in refusal.value.diagnostics()


@pytest.mark.parametrize(
    "spec", [TokenSpec(roles=["Node"], join_method="iam"), TokenSpec(roles=["Node"], allow=[{}])]
)
async def test_the_name_of_a_token_of_another_join_method_is_not_a_secret(
    world: World, spec: TokenSpec
) -> None:
    await world.tokens.adopt(Token(metadata=Metadata(name="iam"), spec=spec))
    assert [token.metadata.name for token in await world.tokens.list()] == ["static-token", "iam"]
    with pytest.raises(AccessDenied, match=r"the join method (iam|ec2) of the token is not offered"):
        await world.tokens.check("iam", "node")


async def test_roles_of_adopted_tokens_are_written_in_any_case(world: World) -> None:
    spec = TokenSpec(roles=["Node", "Kube"])
    await world.tokens.adopt(Token(metadata=Metadata(name="adopted-token"), spec=spec))
    await world.tokens.check("adopted-token", "node")
    for role in ("proxy", "kube", "auth"):
        with pytest.raises(AccessDenied, match="does not allow"):
            await world.tokens.check("adopted-token", role)
    with pytest.raises(BadRequest, match="at least 8"):
        await world.tokens.adopt(Token(metadata=Metadata(name="short"), spec=spec))
    with pytest.raises(BadRequest, match=r"spec\.roles: nod: not known"):
        await world.tokens.adopt(Token(metadata=Metadata(name="adopted-two"), spec=TokenSpec(roles=["nod"])))


async def test_only_the_hidden_static_token_is_local(world: World) -> None:
    token = (await world.tokens.create(["node"], 300, "")).metadata.name
    assert world.tokens.is_local("hidden-token")
    assert not any(world.tokens.is_local(value) for value in ("static-token", token, "", "unknown-token"))


@pytest.mark.parametrize(("length", "accepted"), [(7, False), (8, True)])
async def test_shortest_value_of_a_token(world: World, length: int, accepted: bool) -> None:
    if accepted:
        await world.tokens.create(["node"], 300, "x" * length)
        return
    with pytest.raises(BadRequest, match="at least 8 characters"):
        await world.tokens.create(["node"], 300, "x" * length)


@pytest.mark.parametrize(("ttl", "lifetime"), [(0, 1800), (1, 1), (48 * 3600, 48 * 3600)])
async def test_lifetime_of_a_token(world: World, ttl: int, lifetime: int) -> None:
    token = await world.tokens.create(["node"], ttl, "")
    assert token.metadata.expires == format_time(world.clock.now() + timedelta(seconds=lifetime))


async def test_refusal_shows_the_beginning_of_a_long_role(world: World) -> None:
    token = (await world.tokens.create(["node"], 300, "")).metadata.name
    with pytest.raises(AccessDenied) as refusal:
        await world.tokens.check(token, "r" * 33)
    assert refusal.value.message == f"the token does not allow the role {'r' * 32}"
