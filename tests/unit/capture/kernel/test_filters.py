# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from proctor.capture.kernel import abi
from proctor.capture.kernel.filters import NOISE, Rules

PATTERN = 2 * abi.PATTERN_BYTES


def patterns(packed: bytes, count: int) -> list[bytes]:
    """What texts must begin with, by their masks."""
    found = [packed[start : start + PATTERN] for start in range(0, count * PATTERN, PATTERN)]
    return [pattern[: pattern[abi.PATTERN_BYTES :].count(0xFF)] for pattern in found]


def test_names_end_with_an_equals_sign_and_prefixes_do_not() -> None:
    variables, noise, texts, _ = abi.RULES.unpack(Rules(("BASH_ENV", "PYTHON*")).encode())

    assert (variables, noise) == (2, 0)
    assert patterns(texts, 2) == [b"BASH_ENV=", b"PYTHON"]


def test_noise_is_a_list_of_paths_only_when_wanted() -> None:
    _, count, _, paths = abi.RULES.unpack(Rules(reduce_noise=True).encode())

    assert patterns(paths, count) == list(NOISE)
    assert abi.RULES.unpack(Rules().encode())[1] == 0


@pytest.mark.parametrize("environment", [("A",) * (abi.MAX_PATTERNS + 1), ("A" * abi.PATTERN_BYTES,)])
def test_what_does_not_fit_is_refused(environment: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        Rules(environment).encode()
