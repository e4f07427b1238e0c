# SPDX-License-Identifier: Apache-2.0
"""Network policies in the kernel: one for all sessions with the same, replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Network

from proctor.capture.kernel import abi
from proctor.capture.kernel.loader import Programs
from proctor.capture.state.journal import NumberedPolicy, StateJournal
from proctor.capture.state.journal import Policies as Numbered
from proctor.core.errors import LimitExceeded, Unavailable
from proctor.model.network import NetworkPolicy, Reach, spelled

UNRESTRICTED = 0


class NetworkPolicies:
    """Network policies by session. Every session must be registered before its first task."""

    def __init__(self, programs: Programs, journal: StateJournal) -> None:
        """``journal``: where what the kernel knows is noted, before it does."""
        self._programs = programs
        self._journal = journal
        self._last = UNRESTRICTED
        self._known: dict[NetworkPolicy, int] = {}
        self._sessions: dict[int, NetworkPolicy | None] = {}

    def restore(self, sessions: Iterable[int]) -> None:
        """Go on with what the kernel knows: which policy holds for each of ``sessions``, and nothing else."""
        saved = self._journal.fact(Numbered) or Numbered()
        self._last = saved.last
        self._known = {one.policy: one.number for one in saved.known}
        policies = {one.number: one.policy for one in saved.known}
        self._sessions = {number: policies.get(self._programs.restriction(number)) for number in sessions}
        self._release()
        numbers = set(self._known.values())
        for key in self._programs.policy_keys():
            if abi.POLICY_KEY.unpack(key)[1] not in numbers:
                self._programs.remove_policy(key)

    def _note(self) -> None:
        known = [NumberedPolicy(number, policy) for policy, number in self._known.items()]
        self._journal.set_fact(Numbered(known, self._last))
        self._journal.commit()

    def apply(self, session: int, policy: NetworkPolicy | None) -> None:
        """From now on ``policy`` holds for the session; None restricts nothing.

        Raises ProctorError when it cannot be enforced; then the one before stays in force.
        """
        number = UNRESTRICTED if policy is None else self._number(policy)
        try:
            self._programs.restrict(session, number)
        except OSError as error:
            self._release()
            raise Unavailable(f"the kernel refuses the session's network policy: {error}") from None
        self._sessions[session] = policy
        self._release()

    def forget(self, session: int) -> None:
        """No task of the session is left."""
        self._programs.unrestrict(session)
        self._sessions.pop(session, None)
        self._release()

    def _number(self, policy: NetworkPolicy) -> int:
        """The number under which the kernel knows ``policy``, all of it."""
        if (known := self._known.get(policy)) is not None:
            return known
        if not self._programs.enforces:
            raise Unavailable("this kernel cannot enforce network policies; see teleport debug capture")
        reaches = policy.resolved()
        for reach in reaches:
            if max(len(reach.tcp), len(reach.udp)) > abi.POLICY_RANGES:
                where = spelled(reach.network)
                raise LimitExceeded(f"more than {abi.POLICY_RANGES} ranges of ports for {where}")
        self._last += 1
        number = self._known[policy] = self._last
        self._note()
        try:
            for reach in reaches:
                self._programs.add_policy(_key(number, reach), abi.encode_policy_ports(reach.tcp, reach.udp))
        except OSError as error:
            self._remove(policy)
            raise Unavailable(f"the kernel refuses the session's network policy: {error}") from None
        return number

    def _release(self) -> None:
        """Drop what no session needs any more."""
        for policy in self._known.keys() - {policy for policy in self._sessions.values() if policy}:
            self._remove(policy)

    def _remove(self, policy: NetworkPolicy) -> None:
        number = self._known.pop(policy)
        for reach in policy.resolved():
            self._programs.remove_policy(_key(number, reach))


def _key(number: int, reach: Reach) -> bytes:
    network = IPv6Network(reach.network)
    return abi.encode_policy_key(number, network.network_address.packed, network.prefixlen)
