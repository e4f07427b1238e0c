"""The compiled extension, which is there only where it was built."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from proctor.core.errors import Unavailable

BUILD_HINT = "Install the wheel for this platform, or run ./run setup in a checkout."


def native() -> ModuleType | Any:
    """The compiled extension. Raises Unavailable when it was not built."""
    try:
        return import_module("proctor.capture._native")
    except ImportError as error:
        raise Unavailable(
            f"kernel capture was not built into this installation: {error}",
            hint=BUILD_HINT,
        ) from None
