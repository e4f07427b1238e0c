# SPDX-License-Identifier: Apache-2.0
"""What is stored as it is, is what would have been stored after decoding."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proctor.model.stamp import scanned, stamped, to_line

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
FIELDS = {"code": "T4001I", "event": "session.disk", "uid": "u"}
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def check(line: bytes) -> None:
    """No other parser may disagree on a line that is stored unseen."""
    if (stamp := scanned(line)) is None:
        return
    pairs: list[tuple[str, Any]] = json.loads(line, object_pairs_hook=list)
    names = [name.encode() for name, _ in pairs]
    assert names == sorted(set(names))
    fields = json.loads(line)
    assert (fields["uid"], type(fields["ei"])) == (stamp.uid, int)
    assert json.loads(to_line(stamped(fields, NOW, "other"))) == fields
    assert line.splitlines() == [line] or not line.isascii()


@given(st.dictionaries(st.text(max_size=6), values, max_size=5))
def test_own_lines(extra: dict[str, Any]) -> None:
    line = to_line(stamped({**extra, **FIELDS}, NOW, "purple"))[:-1]
    check(line)
    if all(name.isalnum() and name.isascii() for name in extra):
        assert scanned(line) or set(extra) & {"time", "cluster_name", "ei"}


@given(st.data())
def test_any_cut_and_any_flip(data: st.DataObject) -> None:
    whole = bytearray(to_line(stamped({**FIELDS, "path": "/é", "n": [1.5, {"a": None}]}, NOW, "purple"))[:-1])
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(
            st.sampled_from(b'{}[],:"\\u0e-. \n\xc3xt')
        )
    check(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    check(bytes(whole))
