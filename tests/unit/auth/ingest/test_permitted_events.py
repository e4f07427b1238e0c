# SPDX-License-Identifier: Apache-2.0
"""A host states what its role sees; the rest is the auth service's own word."""

from __future__ import annotations

import pytest

from proctor.auth.ingest.permitted_events import (
    CONNECTION_EVENTS,
    KERNEL_EVENTS,
    LATE_EVENTS,
    ONCE,
    REFUSALS,
    STATED_BY,
)
from proctor.model.events import EVENTS
from proctor.model.identity import SystemRole

NODE, PROXY = STATED_BY[SystemRole.NODE], STATED_BY[SystemRole.PROXY]


def test_only_nodes_and_proxies_state_events() -> None:
    assert set(STATED_BY) == {SystemRole.NODE, SystemRole.PROXY}


@pytest.mark.parametrize(
    "event",
    [
        *("user.login", "user.create", "cert.create", "lock.created", "lock.deleted", "join_token.create"),
        *("instance.join", "role.created", "audit.retention", "session.upload", "print"),
    ],
)
def test_no_host_states_what_the_auth_service_does(event: str) -> None:
    assert event in EVENTS
    assert event not in NODE | PROXY


@pytest.mark.parametrize("event", ["session.start", "session.attestation", "session.end", "session.command"])
def test_sessions_are_stated_by_nodes_alone(event: str) -> None:
    assert event in NODE
    assert event not in PROXY


def test_whatever_is_special_of_a_session_a_node_may_state() -> None:
    assert KERNEL_EVENTS | LATE_EVENTS | ONCE <= NODE
    assert CONNECTION_EVENTS <= NODE | PROXY
    assert {code for event in NODE for code in EVENTS[event].CODES} >= REFUSALS


def test_what_ends_or_begins_a_session_is_never_late_nor_about_a_connection() -> None:
    assert not ONCE & (LATE_EVENTS | CONNECTION_EVENTS)
    assert not KERNEL_EVENTS & CONNECTION_EVENTS
