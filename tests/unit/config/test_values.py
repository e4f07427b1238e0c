# SPDX-License-Identifier: Apache-2.0
import pytest

from proctor.config.values import (
    AUTO_PAGES,
    read_address,
    read_flag,
    read_pages,
    read_pin,
)
from proctor.core.net import Address
from proctor.model.resources import parse_duration


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("example.com", Address("example.com", 3025), "example.com:3025"),
        ("example.com:80", Address("example.com", 80), "example.com:80"),
        ("tcp://10.0.0.1:99", Address("10.0.0.1", 99), "10.0.0.1:99"),
        ("https://proxy", Address("proxy", 3025), "proxy:3025"),
        (":3022", Address("0.0.0.0", 3022), "0.0.0.0:3022"),
        ("[::1]:22", Address("::1", 22), "[::1]:22"),
        ("[::1]", Address("::1", 3025), "[::1]:3025"),
        ("2001:db8::1", Address("2001:db8::1", 3025), "[2001:db8::1]:3025"),
    ],
)
def test_addresses(text: str, address: Address, shown: str) -> None:
    assert read_address(text, 3025) == address
    assert str(address) == shown


@pytest.mark.parametrize(
    "text",
    ["", "host:", "host:x", "host:65536", "a b:1", "[zz]:1", "1:2:3", "-x:1", "h/p", "[::1]x:1", "host:-1"],
)
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ValueError):
        read_address(text, 1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("365d", 31536000), ("never", 0), ("0", 0)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "-5m", "5 m", "1..5h", "h"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["yes", "YES", "on", "True", "y"])
def test_yes(text: str) -> None:
    assert read_flag(text)


@pytest.mark.parametrize("text", ["no", "Off", "false", "N"])
def test_no(text: str) -> None:
    assert not read_flag(text)


def test_pages() -> None:
    assert read_pages("8") == 8
    assert read_pages("auto") == AUTO_PAGES
    for text in ("0", "-8", "x", "8.0", str(1 << 30)):
        with pytest.raises(ValueError):
            read_pages(text)
    with pytest.raises(ValueError, match="nearest are 8 and 16"):
        read_pages("9")


def test_pins() -> None:
    pin = "sha256:" + "ab" * 32
    assert read_pin(pin) == pin
    for text in ("sha256:ab", "md5:" + "ab" * 32, "sha256:" + "zz" * 32):
        with pytest.raises(ValueError, match="not a CA pin"):
            read_pin(text)
