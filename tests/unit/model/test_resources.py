# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.errors import Corrupted
from proctor.model import serde
from proctor.model.resources import Role, User, format_duration, parse_duration


@given(st.integers(min_value=1, max_value=10**6))
def test_durations_round_trip(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "-5m", "1w"])
def test_bad_durations_are_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="examples"):
        parse_duration(text)


def test_unknown_fields_are_refused_with_their_path() -> None:
    document = {"metadata": {"name": "x"}, "spec": {"allow": {"login": ["root"]}}}
    with pytest.raises(msgspec.ValidationError, match=r"login.*\$.spec.allow"):
        serde.convert(document, Role)


def test_an_unknown_enhanced_kind_is_refused() -> None:
    document = {"metadata": {"name": "x"}, "spec": {"options": {"enhanced_recording": ["keystrokes"]}}}
    with pytest.raises(msgspec.ValidationError, match="enhanced_recording"):
        serde.convert(document, Role)


def test_documents_round_trip_as_json() -> None:
    user = serde.convert({"metadata": {"name": "alice"}, "spec": {"roles": ["access"]}}, User)
    assert serde.from_json(serde.to_json(user), User) == user


def test_stored_junk_is_reported_as_corrupted() -> None:
    with pytest.raises(Corrupted, match="User"):
        serde.from_json(b"{", User)
