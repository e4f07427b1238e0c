# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.model import uids
from proctor.model.stamp import summary

KEY = bytes(range(uids.KEY_SIZE))


@pytest.mark.skipif(not uids.COMPILED, reason="the compiled check is not built")
@pytest.mark.parametrize(
    ("size", "value"),
    [
        (0, 0x726FDB47DD0E0E31),
        (1, 0x74F839C593DC67FD),
        (7, 0xAB0200F58B01D137),
        (8, 0x93F5F5799A932462),
        (15, 0xA129CA6149BE45E5),
    ],
)
def test_fingerprints_are_those_of_the_reference_of_siphash(size: int, value: int) -> None:
    """The vectors of the reference implementation of SipHash-2-4: bytes 0, 1, 2 … by the key 0 … 15."""
    text = bytes(range(size)).decode()
    assert uids.fingerprint(text, KEY) == value.to_bytes(8, "little")


@given(st.text(min_size=1), st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_another_key_gives_another_fingerprint(uid: str, key: bytes, other: bytes) -> None:
    assert (uids.fingerprint(uid, key) == uids.fingerprint(uid, other)) == (key == other)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    if uids.COMPILED:
        with pytest.raises(ValueError, match="16 bytes"):
            uids.fingerprint("u", bytes(size))
        with pytest.raises(ValueError, match="16 bytes"):
            summary(b"{}\n", bytes(size))


def test_uids_of_one_slot_by_one_key_are_spread_by_another() -> None:
    """What a host has chosen for one key is nothing special by another."""
    slots = 1 << 12
    chosen = [f"u{n}" for n in range(1 << 16) if _slot(f"u{n}", KEY, slots) == 7]
    other = bytes(range(1, 17))
    assert len(chosen) > 8
    assert len({_slot(uid, other, slots) for uid in chosen}) > len(chosen) / 2


def _slot(uid: str, key: bytes, slots: int) -> int:
    return int.from_bytes(uids.fingerprint(uid, key), "little") % slots
