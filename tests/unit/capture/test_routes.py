# SPDX-License-Identifier: Apache-2.0
import pytest

from proctor.capture.routes import MAX_CLAIMED, Routes
from proctor.core.errors import LimitExceeded


def test_the_main_subscriber_gets_unclaimed_sessions() -> None:
    routes = Routes()
    routes.subscribe("0", main=True, sids=[], known=[])
    assert routes.owner("a") == "0"


def test_sessions_stay_with_the_subscriber_that_was_main_when_they_began() -> None:
    routes = Routes()
    routes.subscribe("0", main=True, sids=[], known=[])
    routes.subscribe("1", main=True, sids=[], known=["a"])
    assert routes.owner("a") == "0"
    assert routes.owner("b") == "1"


def test_a_former_main_subscriber_claims_sessions_that_begin_later() -> None:
    routes = Routes()
    routes.subscribe("0", main=True, sids=[], known=[])
    routes.subscribe("1", main=True, sids=[], known=[])
    routes.claim("a", "0")
    assert routes.owner("a") == "0"


def test_connecting_again_changes_nothing() -> None:
    routes = Routes()
    routes.subscribe("0", main=True, sids=[], known=[])
    routes.subscribe("1", main=True, sids=[], known=["a"])
    routes.subscribe("0", main=False, sids=["a"], known=["a", "b"])
    routes.subscribe("1", main=True, sids=["b"], known=["a", "b"])
    assert [routes.owner(sid) for sid in "abc"] == ["0", "1", "1"]


def test_what_is_left_of_an_owner_goes_to_the_main_subscriber() -> None:
    routes = Routes()
    routes.subscribe("0", main=True, sids=[], known=[])
    routes.subscribe("1", main=True, sids=[], known=["a"])
    assert routes.leave("0") == ["a"]
    assert routes.owner("a") == "1"


def test_after_a_restart_of_capture_sessions_wait_for_their_owner() -> None:
    routes = Routes(["a", "b", "c"])
    routes.subscribe("1", main=True, sids=["b"], known=["a", "b", "c"])
    assert [routes.owner(sid) for sid in "abcd"] == [None, "1", None, "1"]
    routes.subscribe("0", main=False, sids=["a"], known=["a", "b", "c"])
    assert routes.owner("a") == "0"
    assert routes.give_up_waiting() == ["c"]
    assert routes.owner("c") == "1"


def test_a_session_that_is_over_is_forgotten() -> None:
    routes = Routes()
    routes.claim("a", "0")
    routes.subscribe("1", main=True, sids=[], known=[])
    routes.forget("a")
    assert routes.owner("a") == "1"


def test_the_main_subscriber_may_leave_before_its_successor_has_come() -> None:
    routes = Routes()
    routes.subscribe("0", main=True, sids=[], known=[])
    routes.leave("0")
    routes.subscribe("1", main=True, sids=[], known=["a"])
    assert routes.owner("a") == "1"


def test_claims_are_bounded() -> None:
    routes = Routes()
    for number in range(MAX_CLAIMED):
        routes.claim(str(number), "0")
    with pytest.raises(LimitExceeded):
        routes.claim("another", "0")
    routes.claim("0", "1")
    assert routes.owner("0") == "1"
