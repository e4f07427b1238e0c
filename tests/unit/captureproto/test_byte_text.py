# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proctor.captureproto.byte_text import to_bytes, to_text

PAIRS = [
    (b"plain", "plain"),
    (b"", ""),
    ("žluť".encode(), "žluť"),
    (rb"C:\dir\new", r"C:\dir\new"),
    (rb"\x4", r"\x4"),
    (b"\xff", r"\xff"),
    (b"a\\b\xff", r"a\\b\xff"),
    (rb"\x41", r"\\x41"),
    (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    (b"tab\tand\x01", "tab\tand\x01"),
]


@pytest.mark.parametrize(("raw", "text"), PAIRS)
def test_pairs(raw: bytes, text: str) -> None:
    assert to_text(raw) == text
    assert to_bytes(text) == raw


@given(st.binary() | st.text(alphabet="\\x0f9a\xff").map(lambda text: text.encode("latin-1")))
@example(b"\\\\x41\xff")
def test_bytes_come_back(raw: bytes) -> None:
    text = to_text(raw)
    assert to_bytes(json.loads(json.dumps(text))) == raw
    text.encode()


def test_text_that_is_never_made() -> None:
    with pytest.raises(ValueError, match="backslash"):
        to_bytes("\\a\\xff")
