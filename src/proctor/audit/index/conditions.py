# SPDX-License-Identifier: Apache-2.0
"""Pieces of an event that free text finds, and the look-up of a text in the index.

The text of an event is split at its quotation marks, escaped ones too, into *pieces*: names, values, and what
is between them (``:5007,``). The index knows the distinct pieces. A text without a quotation mark lies within
one piece; one with some consists of the end of a piece, whole pieces, and the beginning of one.

``uid``, ``time`` and ``ei`` differ in every event and are no pieces: part of a number or of an address would
be found in them by chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proctor.model.serde import to_json

UID_BEGINNING = 8
"""Characters from which on the beginning of a ``uid`` is found."""

FIELD = "\x01"
"""What the terms of fields begin with, and no piece does."""

LONGEST_PIECE = 512
STRIDE = 256
"""Longer pieces are indexed as windows of LONGEST_PIECE characters, one begins every STRIDE."""

_OWN = re.compile(rb'"ei":\d+|"time":"[0-9TZ:.-]*"|"uid":"[0-9a-f-]{36}"')
_OWN_NAMES = ("ei", "time", "uid")
_LIKE_OWN = re.compile(r"[0-9a-f:.,TZ{}\[\]-]*")
_MOMENT = re.compile(r"\d\d:\d\d|\d{4}-\d\d|T\d|\dZ")
_STRUCTURE = "{}[]:,"
_UIDS = re.compile(rb'"uid":"([0-9a-f-]{36})"')
_UID_PART = re.compile(rf"[0-9a-f-]{{{UID_BEGINNING},36}}")
_UID_LENGTH = 36
_WORD = re.compile(r"\w")


def shared(line: bytes) -> bytes:
    """An event without ``uid``, ``time`` and ``ei``."""
    return _OWN.sub(b"", line)


def pieces(line: bytes) -> set[str]:
    """The distinct pieces of an event."""
    return set(shared(line).decode("utf-8", "replace").split('"'))


def windows(piece: str) -> list[str]:
    """A piece as it is indexed: nothing when there is no letter or digit in it, parts when it is long."""
    if piece.startswith(FIELD):
        return [piece]
    if len(piece) <= LONGEST_PIECE:
        return [piece] if _WORD.search(piece) else []
    return [piece[start : start + LONGEST_PIECE] for start in range(0, len(piece) - STRIDE, STRIDE)]


def uids(line: bytes) -> list[str]:
    """Values of ``uid`` that are no pieces."""
    return [uid.decode() for uid in _UIDS.findall(line)]


class Text:
    """Decides whether an event contains a text."""

    def __init__(self, text: str) -> None:
        self._needle = text.encode("utf-8", "replace")
        # The times of events are looked at for what can be nothing else.
        self._own = bool(_LIKE_OWN.fullmatch(text)) and not _MOMENT.search(text)
        self._uid = b'"uid":"' + self._needle if _UID_PART.fullmatch(text) else b""

    def found_in(self, line: bytes) -> bool:
        """Does the event ``line`` contain the text?"""
        if self._needle not in line:
            return False
        if not self._own:
            return True
        return self._needle in shared(line) or bool(self._uid and self._uid in line)


@dataclass(frozen=True)
class TextCondition:
    """A condition that all events with the text meet: one of their pieces is (or contains) ``piece``.

    ``uid``: or their ``uid`` begins with it.
    """

    piece: str
    whole: bool = False
    uid: bool = False


def parts(text: str) -> list[TextCondition]:
    """Conditions of which the index knows something; without any, every event may contain ``text``."""
    between = text.split('"')
    if len(between) == 1:
        if _MOMENT.search(text) and _LIKE_OWN.fullmatch(text):
            return []
        return [TextCondition(text[:STRIDE], uid=bool(_UID_PART.fullmatch(text)))] if _useful(text) else []
    last = len(between) - 1
    return [
        # What is between values may be indexed with what follows something that is no piece.
        TextCondition(
            piece[:STRIDE], whole=0 < number < last and len(piece) <= STRIDE and piece[0] not in _STRUCTURE
        )
        for number, piece in enumerate(between)
        if _useful(piece) and not _may_be_own(between, number)
    ]


def _may_be_own(between: list[str], number: int) -> bool:
    """May a piece of a text be a value that is not indexed? Its name, when that is there, says no."""
    if not _LIKE_OWN.fullmatch(between[number]):
        return False
    before = number - 2 if number > 1 and between[number - 1] == ":" else number - 1
    return before < 0 or any(name.endswith(between[before]) for name in _OWN_NAMES)


def _useful(piece: str) -> bool:
    return bool(_WORD.search(piece)) and not any(piece in name for name in _OWN_NAMES)


def field_term(kind: str, value: object) -> str:
    """Under which an event's field is indexed; JSON has no such character in its texts."""
    return f"{FIELD}{kind}={value}"


def uid_terms(uid: str) -> list[str]:
    """Under which a ``uid`` is indexed, or its beginning looked up: its first and its last three digits."""
    head = field_term("head", uid[:3])
    return [head, field_term("tail", uid[-3:])] if len(uid) == _UID_LENGTH else [head]


def json_text(value: str) -> bytes:
    """``value`` as it stands in an event, without quotation marks."""
    return to_json(value)[1:-1]
