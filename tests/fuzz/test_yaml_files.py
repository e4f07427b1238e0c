# SPDX-License-Identifier: Apache-2.0
"""Any text is a configuration or a document, or is refused with the one declared error, in bounded time."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from proctor.cli.tctl.documents import parse as parse_documents
from proctor.config.load import parse as parse_configuration
from proctor.config.schema import Config
from proctor.config.source import SourceError, text_of
from proctor.core.errors import BadRequest, ConfigError
from proctor.model.resources import Conditions, RoleOptions, TokenSpec

KEYS = [
    *("kind", "version", "metadata", "name", "spec", "allow", "deny", "options", "roles", "<<", "enabled"),
    *Config.__struct_fields__,
    *Conditions.__struct_fields__,
    *RoleOptions.__struct_fields__,
    *TokenSpec.__struct_fields__,
]
SCALARS = [
    "role",
    "token",
    "user",
    "v3",
    "yes",
    "''",
    "~",
    "!!x y",
    "0x1",
    "1h",
    "'{{a'",
    "^($",
    "*",
    "'*'",
    "a:b",
]
VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=5).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=20,
)


@given(
    st.one_of(
        VALUES,
        st.text(max_size=80),
        VALUES.map(lambda value: "kind: role\nmetadata: {name: a}\nspec: " + value),
    )
)
@example("? [a]\n: b\n<<: [x, {y: z}]")
@example("&a {<<: *a}")
def test_any_text(text: str) -> None:
    with suppress(ConfigError):
        parse_configuration(text, "f")
    with suppress(BadRequest):
        parse_documents(text, "f")


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with suppress(SourceError, ConfigError):
        parse_configuration(text_of(data, "f"), "f")
