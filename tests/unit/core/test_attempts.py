# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from proctor.core.clock import FakeClock
from proctor.core.errors import Unavailable
from proctor.core.limits.attempts import AttemptLog
from proctor.model.events import AuthAttempt, UserLogin


async def test_of_a_flood_the_number_is_kept() -> None:
    clock, emitted = FakeClock(), list[AuthAttempt]()
    log = AttemptLog(emitted.append, clock, burst=3)
    admitted = [log.admits(AuthAttempt(error=str(number)), "192.0.2.1:22") for number in range(1000)]
    assert admitted == [True] * 3 + [False] * 997
    assert log.admits(AuthAttempt(), "192.0.2.2:22")
    log.flush()
    log.flush()
    assert [(event.error, event.attempts) for event in emitted] == [("999", 997)]
    clock.advance(10)
    assert log.admits(AuthAttempt(), "192.0.2.1:99")


async def test_many_networks_share_a_limit() -> None:
    log = AttemptLog(print, FakeClock(), burst=3)
    admitted = [log.admits(AuthAttempt(), f"10.{n % 256}.{n // 256}.1") for n in range(1000)]
    assert sum(admitted) == 30


async def test_kinds_are_counted_apart() -> None:
    emitted = list[AuthAttempt | UserLogin]()
    log = AttemptLog(emitted.append, FakeClock(), burst=0)
    for event in (AuthAttempt(), UserLogin(), UserLogin()):
        assert not log.admits(event, "x")
    log.flush()
    assert sorted((event.EVENT, event.attempts) for event in emitted) == [("auth", 1), ("user.login", 2)]


async def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    def fail(_event: object) -> None:
        raise Unavailable("disk full")

    log = AttemptLog(fail, FakeClock(), burst=0)
    log.admits(AuthAttempt(), "x")
    log.flush()
