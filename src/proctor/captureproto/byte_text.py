# SPDX-License-Identifier: Apache-2.0
r"""Bytes of the kernel and of clients as text of an event, so that the bytes can be had back.

The form is documented in ``docs/capture.md``: bytes that are UTF-8 and hold no ``\xhh`` stand for
themselves. All others are escaped: ``\`` is doubled and a byte outside UTF-8 becomes ``\xhh``. So a text
was escaped if and only if it holds ``\xhh``.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\x[0-9a-f]{2}")
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|\\)")


def to_text(raw: bytes) -> str:
    """The text for ``raw``, which JSON can carry."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw.replace(b"\\", b"\\\\").decode(errors="backslashreplace")
    if "\\x" in text and _ESCAPE.search(text):
        return text.replace("\\", "\\\\")
    return text


def to_bytes(text: str) -> bytes:
    """The inverse of :func:`to_text`. Raises ValueError for text that it never makes."""
    if not _ESCAPE.search(text):
        return text.encode()
    pieces = _ESCAPED.split(text)
    out = bytearray(_plain(pieces[0]))
    for escape, plain in zip(pieces[1::2], pieces[2::2], strict=True):
        out += b"\\" if escape is None else bytes.fromhex(escape)
        out += _plain(plain)
    return bytes(out)


def _plain(piece: str) -> bytes:
    if "\\" in piece:
        raise ValueError(f"a lone backslash in escaped text: {piece!r}")
    return piece.encode()
