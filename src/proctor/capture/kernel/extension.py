# SPDX-License-Identifier: Apache-2.0
"""The extension around libbpf, which the capture service alone loads."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from proctor.captureproto.native import load


def native() -> ModuleType | Any:
    """Import the extension. Raises Unavailable when it was not built."""
    return load("proctor.capture._ringbuf")
