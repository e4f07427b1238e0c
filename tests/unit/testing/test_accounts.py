# SPDX-License-Identifier: Apache-2.0
"""One-time codes of the people of a test cluster."""

from __future__ import annotations

import pyotp
import pytest

from proctor.auth.hashing import otp_counter
from testing.accounts import earliest_step

_SECRET = pyotp.random_base32()


@pytest.mark.parametrize("now", [0.0, 19.9, 20.0, 29.9, 30.0])
@pytest.mark.parametrize("delay", [0.0, 9.9])
def test_earliest_code_still_fits_when_the_cluster_looks_at_it(now: float, delay: float) -> None:
    moment = 1_800_000_000 + now
    step = earliest_step(moment)

    assert otp_counter(_SECRET, pyotp.TOTP(_SECRET).at(step * 30), moment + delay) == step
