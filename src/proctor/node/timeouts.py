"""How long the node waits for others, in seconds: each time once, with its reason."""

from __future__ import annotations

CAPTURE_DRAIN = 30.0
"""For a session's last kernel events; as long as more of them come, it goes on."""
