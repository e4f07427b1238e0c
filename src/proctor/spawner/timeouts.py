# SPDX-License-Identifier: Apache-2.0
"""How long the spawner and its monitors wait for others: each time once, in seconds."""

from __future__ import annotations

HANGUP = 5.0
"""From SIGHUP to SIGKILL, for a session whose connection or whose monitor is gone."""

REQUEST = 10.0
"""For the node's request to a monitor."""

SEND = 1.0
"""For the node to take an answer."""

SIGN = 2.0
"""For the process that holds the host key."""

CONNECT = 30.0
"""For a connection that a user forwards."""

SWEEP = 60.0
"""Between two removals of cgroups that were left behind."""
