# SPDX-License-Identifier: Apache-2.0
"""Whom each service runs as."""

from __future__ import annotations

import os
import pwd
from typing import NamedTuple

from proctor.config.boot import ServiceName


class ServiceUser(NamedTuple):
    """A uid and the gid that goes with it."""

    uid: int
    gid: int


ROOT = ServiceUser(0, 0)
_FALLBACK = {"auth": 64401, "proxy": 64402, "node": 64403, "diag": 64404}


def service_user(service: ServiceName) -> ServiceUser:
    """The account for ``service``.

    Under a root supervisor: the system user ``proctor-<service>`` where it exists, else a fixed id
    outside the ranges that distributions assign; root for capture and spawner. Otherwise the caller.
    """
    if os.geteuid() != 0:
        return ServiceUser(os.geteuid(), os.getegid())
    if service not in _FALLBACK:
        return ROOT
    try:
        entry = pwd.getpwnam(f"proctor-{service}")
    except KeyError:
        return ServiceUser(_FALLBACK[service], _FALLBACK[service])
    return ServiceUser(entry.pw_uid, entry.pw_gid)
