# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from proctor.config.load import parse
from proctor.config.secret_values import ca_pins, join_token, static_tokens, value_or_file
from proctor.core.errors import ConfigError

PIN = "sha256:" + "0a" * 32


def test_token_as_value_or_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-file\n")
    assert join_token(parse("", "f").config) == ""
    assert join_token(parse("teleport: {auth_token: plain}", "f").config) == "plain"
    assert join_token(parse(f"teleport: {{auth_token: {path}}}", "f").config) == "from-file"
    assert join_token(parse("teleport: {join_params: {token_name: other}}", "f").config) == "other"


def test_missing_or_empty_token_files(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name, message in (("absent", "No such file"), ("empty", "is empty")):
        config = parse(f"teleport: {{auth_token: {tmp_path / name}}}", "f").config
        with pytest.raises(ConfigError, match=message):
            join_token(config)


def test_pins_as_text_list_or_file(tmp_path: Path) -> None:
    other = "sha256:" + "0b" * 32
    path = tmp_path / "pins"
    path.write_text(f"{PIN}\n{other}\n")
    assert ca_pins(parse(f"teleport: {{ca_pin: '{PIN}'}}", "f").config) == [PIN]
    assert ca_pins(parse(f"teleport: {{ca_pin: ['{PIN}', {path}]}}", "f").config) == [PIN, PIN, other]
    path.write_text("not a pin")
    with pytest.raises(ConfigError, match="ca_pin"):
        ca_pins(parse(f"teleport: {{ca_pin: {path}}}", "f").config)


def test_static_tokens(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret\n")
    config = parse(f"auth_service: {{tokens: ['Proxy,node:abc', 'node:{path}']}}", "f").config
    assert static_tokens(config) == [(["proxy", "node"], "abc"), (["node"], "secret")]


def test_a_value_that_cannot_be_read_is_named_without_the_words_of_a_library(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        value_or_file(str(tmp_path / "none"), "auth_token")
    assert caught.value.message == f"auth_token: cannot read {tmp_path}/none: No such file or directory"
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="binary is not text"):
        value_or_file(str(tmp_path / "binary"), "auth_token")
