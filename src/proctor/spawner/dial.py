# SPDX-License-Identifier: Apache-2.0
"""Connections on behalf of a user, to where their roles let them go."""

from __future__ import annotations

import socket

from proctor.core.errors import AccessDenied, Unavailable
from proctor.model.network import NetworkPolicy
from proctor.spawner import timeouts
from proctor.spawnerproto.messages import Endpoint


def dial(target: Endpoint, policy: NetworkPolicy | None) -> socket.socket:
    """A TCP connection to the first address of ``target`` that answers.

    Raises AccessDenied when ``policy`` allows none of its addresses, Unavailable when none answers.
    """
    try:
        found = socket.getaddrinfo(target.addr, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _unreachable(target, error) from None
    addresses = [str(address[0]) for *_, address in found]
    allowed = [one for one in addresses if policy is None or policy.permits("tcp", one, target.port)]
    if not allowed:
        raise AccessDenied(f"your roles do not allow connections to {target}")
    return _first(target, allowed)


def _first(target: Endpoint, addresses: list[str]) -> socket.socket:
    failure = OSError("it has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, target.port), timeouts.CONNECT)
        except OSError as error:
            failure = error
    raise _unreachable(target, failure)


def _unreachable(target: Endpoint, error: OSError) -> Unavailable:
    return Unavailable(f"cannot connect to {target}: {error.strerror or error}")
