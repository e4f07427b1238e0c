# SPDX-License-Identifier: Apache-2.0
"""Import compiled extensions, which are there only where they were built."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from proctor.core.errors import Unavailable

BUILD_HINT = "Install the wheel for this platform, or run ./run setup in a checkout."


def load(name: str) -> ModuleType | Any:
    """Import the extension with this full name. Raises Unavailable when it was not built."""
    try:
        return import_module(name)
    except ImportError as error:
        raise Unavailable(
            f"kernel capture was not built into this installation: {error}",
            hint=BUILD_HINT,
        ) from None


def eventfmt() -> ModuleType | Any:
    """Import the event formatter. Raises Unavailable when it was not built."""
    return load("proctor.captureproto._eventfmt")
