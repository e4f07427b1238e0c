# SPDX-License-Identifier: Apache-2.0
"""How long the node waits for others, and how often it looks: each time once, in seconds."""

from __future__ import annotations

# --- a session ---

SPAWN = 45.0
"""For a process: a fork, PAM (which may ask other hosts), and the registration with capture."""

MONITOR_FRAME = 5.0
"""For the rest of a frame that a monitor has begun; it sends frames whole."""

CAPTURE_DRAIN = 30.0
"""For a session's last kernel events; as long as more of them come, it goes on."""

RECOVERY_DRAIN = 30.0
"""The same for a session of a node process that was killed; its monitor hangs it up within seconds."""

RECORD_RETRY = 5.0
"""Before a recording that cannot be completed is tried again."""

# --- a connection ---

IDLE_CHECK = 1.0
"""Between two looks whether a client was idle for too long, or its certificate has expired."""

# --- capture ---

CAPTURE_CHECK = 2.0
"""Between two questions whether capture is awake."""

CAPTURE_ANSWER = 5.0
"""For the answer to them."""

CAPTURE_GONE = 1.0
"""For the end of capture's stream, when it is known to end."""

CAPTURE_LEAVE = 10.0
"""For capture to give the rest of this process's sessions to another one."""

# --- the spawner ---

SPAWNER_ANSWER = 3.0
"""Within this time the spawner answers; the node does nothing else meanwhile."""

SPAWNER_PAUSE = 5.0
"""A spawner that did not answer is not asked for so long."""

# --- the auth service ---

AUTH_CALL = 5.0
"""For the access bundle."""

HEARTBEAT = 15.0
"""Between two heartbeats."""

HEARTBEAT_RETRY = 2.0
"""The same after one that failed."""

# --- this process ---

LABEL_COMMAND = 10.0
"""For a command that prints a label."""

IDLE_POLL = 0.25
"""Between two looks whether the last connection has ended."""

SESSIONS_AT_STOP = 10.0
"""For sessions that were hung up, when the service stops."""

DELIVERY_AT_STOP = 3.0
"""For recordings, and again for events, when the service stops."""
