# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from proctor.core.errors import LimitExceeded
from proctor.model.identity import Anonymous, HostIdentity, SystemRole
from proctor.rpc import budget
from proctor.rpc.budget import ANONYMOUS_CALLS, ANONYMOUS_CALLS_PER_NETWORK, CallBudget

NODE = HostIdentity(host_id="1048a649-8f3f-4431-9529-0c53339b65a5", role=SystemRole.NODE, cluster="purple")


async def test_one_network_has_a_share_of_the_anonymous_calls() -> None:
    calls = CallBudget()
    with ExitStack() as stack:
        for _ in range(ANONYMOUS_CALLS_PER_NETWORK):
            stack.enter_context(calls.call(Anonymous(), "192.0.2.1"))
        with pytest.raises(LimitExceeded):
            stack.enter_context(calls.call(Anonymous(), "192.0.2.1"))
        stack.enter_context(calls.call(Anonymous(), "192.0.2.2"))
        stack.enter_context(calls.call(NODE, "192.0.2.1"))
    with calls.call(Anonymous(), "192.0.2.1"):
        pass


async def test_all_anonymous_calls_together() -> None:
    calls = CallBudget()
    with ExitStack() as stack:
        for number in range(ANONYMOUS_CALLS):
            stack.enter_context(calls.call(Anonymous(), f"192.0.2.{number}"))
        with pytest.raises(LimitExceeded):
            stack.enter_context(calls.call(Anonymous(), "198.51.100.1"))
        stack.enter_context(calls.call(NODE, "198.51.100.1"))


async def test_one_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "CALLS_PER_HOLDER", 2)
    calls = CallBudget()
    with calls.call(NODE, "a"), calls.call(NODE, "b"), pytest.raises(LimitExceeded), calls.call(NODE, "c"):
        pass


@pytest.mark.parametrize("identity", [Anonymous(), NODE])
async def test_a_request_that_does_not_arrive(
    identity: Anonymous | HostIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "ANONYMOUS_ARRIVAL_SECONDS", 0.01)
    monkeypatch.setattr(budget, "ARRIVAL_SECONDS", 0.01)
    monkeypatch.setattr(budget, "ARRIVING", 0)
    calls = CallBudget()
    with pytest.raises(TimeoutError):
        async with calls.arrival(identity):
            await asyncio.Event().wait()
