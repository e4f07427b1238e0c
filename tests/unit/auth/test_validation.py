# SPDX-License-Identifier: Apache-2.0
"""What documents must hold before they are stored."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.auth.document_store import MAX_DOCUMENT, expiry, parse
from proctor.auth.presets import PRESETS
from proctor.auth.validation import check_role, check_user
from proctor.core.errors import BadRequest
from proctor.model import serde
from proctor.model.access import OWN_SESSION
from proctor.model.resources import KINDS, Metadata, Role, RoleSpec, User, UserSpec


def role(**spec: Any) -> Role:
    return Role(metadata=Metadata(name="dev"), spec=serde.convert(spec, RoleSpec))


def user(name: str = "alice", *, logins: tuple[str, ...] = (), roles: tuple[str, ...] = ("access",)) -> User:
    spec = UserSpec(roles=list(roles), traits={"logins": list(logins)})
    return User(metadata=Metadata(name=name), spec=spec)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset: Role) -> None:
    check_role(preset)


def test_a_full_role_is_valid() -> None:
    check_role(
        role(
            options={"max_session_ttl": "8h", "client_idle_timeout": "30m"},
            allow={
                "logins": ["{{internal.logins}}", "{{ external.unix }}", "deploy", "DOMAIN\\user", "a.b@c"],
                "node_labels": {"*": "*", "env": ["dev", "test-*"], "team": "^(core|web)$"},
                "rules": [{"resources": ["session"], "verbs": ["list"], "where": OWN_SESSION}],
            },
        )
    )


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"options": {"max_session_ttl": "now"}}, r"spec\.options\.max_session_ttl"),
        ({"options": {"client_idle_timeout": "-5m"}}, r"spec\.options\.client_idle_timeout"),
        ({"allow": {"logins": ["*"]}}, r"spec\.allow\.logins\[0\]: '\*'"),
        ({"deny": {"logins": ["{{logins}}"]}}, r"spec\.deny\.logins"),
        ({"allow": {"logins": [""]}}, "is not a login"),
        ({"deny": {"node_labels": {"env": "^(prod$"}}}, r"spec\.deny\.node_labels\.env"),
        ({"deny": {"node_labels": {"*": ["prod"]}}}, "goes with the value"),
        ({"deny": {"rules": [{"resources": ["*"], "verbs": ["*"], "where": "x.y"}]}}, "x.y is not known"),
    ],
)
def test_roles_that_would_not_do_what_they_say(spec: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        check_role(role(**spec))


@pytest.mark.parametrize("name", ["-x", "a b", "a\\b", "a\nb"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(BadRequest, match="not a name"):
        check_user(user(name), {"access"})


@pytest.mark.parametrize("login", ["", "a b", "-rf", "a/b", "-teleport-internal-join", "x,y", "*"])
def test_logins_that_are_none(login: str) -> None:
    with pytest.raises(BadRequest, match="no login"):
        check_user(user(logins=(login,)), {"access"})


def test_roles_must_exist() -> None:
    check_user(user(logins=("root", "ubuntu")), {"access"})
    with pytest.raises(BadRequest, match="role access does not exist"):
        check_user(user(), {"editor"})
    with pytest.raises(BadRequest, match="at least one role"):
        check_user(user(roles=()), {"editor"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_any_json_is_refused_politely(value: Any) -> None:
    for plain in (value, {"kind": "role", "metadata": value}, {"kind": "user", "metadata": {"name": value}}):
        with suppress(BadRequest):
            assert parse(json.dumps(plain).encode()).kind in KINDS


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b'"' + b"x" * MAX_DOCUMENT + b'"'])
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(BadRequest):
        parse(data)


def test_the_earlier_of_two_ends_counts() -> None:
    both = User(
        metadata=Metadata(name="a", expires="2030-01-01T00:00:00Z"),
        spec=UserSpec(expires="2029-01-01T00:00:00+01:00"),
    )
    moment = expiry(both)
    assert moment is not None
    assert moment.isoformat() == "2028-12-31T23:00:00+00:00"
    assert expiry(user()) is None
