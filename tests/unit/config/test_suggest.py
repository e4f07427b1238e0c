# SPDX-License-Identifier: Apache-2.0
"""Suggestions for words that are nearly right, and none for others."""

from __future__ import annotations

import pytest

from proctor.config.schema import Config
from proctor.config.source import compose
from proctor.config.suggest import closest, hint, lost_indentation

KEYS = ("auth_service", "proxy_service", "ssh_service", "teleport", "web_listen_addr", "public_addr")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("teleprot", "teleport"),
        ("ahth_service", "auth_service"),
        ("app_service", ""),  # only its ending is that of others
        ("kubernetes_service", ""),
        ("wep_listen_addr", "web_listen_addr"),
        ("_service", ""),
        ("", ""),
        ("x" * 1000, ""),
    ],
)
def test_words_resemble_each_other_before_a_common_ending(word: str, found: str) -> None:
    assert closest(word, KEYS) == found
    assert hint(word, KEYS) == (f"; did you mean {found}?" if found else "")


def test_nothing_resembles_when_nothing_is_known() -> None:
    assert closest("teleport", ()) == ""


@pytest.mark.parametrize(
    "text",
    [
        "teleport:\n  nodename: a\n  data_dir: /x",
        "teleport:\nnodename: a",  # one key may be a mistake of another kind
        "teleport: {data_dir: /x}\nnodename: a\nauth_token: b",  # the section is not empty
        "nodename: a\nauth_token: b",  # there is no section
        "- teleport",
        "? [a]\n: b",
    ],
)
def test_files_with_indentation(text: str) -> None:
    (node,) = compose(text, "f")
    assert lost_indentation(node, Config) is None


def test_file_without_indentation_says_where_it_begins() -> None:
    (node,) = compose("version: v3\nteleport:\nnodename: a\nauth_token: b\n", "f")
    found = lost_indentation(node, Config)
    assert found is not None
    place, sentence = found
    assert str(place) == "3:1"
    assert "nodename belongs below teleport" in sentence
