# SPDX-License-Identifier: Apache-2.0
"""Filters of the configuration, as the programs in the kernel apply them."""

from __future__ import annotations

import msgspec

from proctor.capture.kernel import abi
from proctor.config.schema import EnhancedRecording

NOISE = (
    b"/usr/lib/",
    b"/usr/lib32/",
    b"/usr/lib64/",
    b"/usr/libx32/",
    b"/usr/share/locale/",
    b"/etc/ld.so.cache\0",
)
"""What the paths of files begin with that programs read to be able to start; a zero ends the path."""


class Rules(msgspec.Struct, frozen=True):
    """``environment``: variables recorded beyond ``LD_*``, by name, or by prefix and ``*``.

    ``reduce_noise``: leave out, and count, directories and ``NOISE`` where they are only read.
    """

    environment: tuple[str, ...] = ()
    reduce_noise: bool = False

    @classmethod
    def of(cls, config: EnhancedRecording) -> Rules:
        """As the configuration file says."""
        return cls(tuple(config.environment), config.noise_reduction)

    def encode(self) -> bytes:
        """``struct rules``. Raises ValueError for too many, or too long, variables."""
        if len(self.environment) > abi.MAX_PATTERNS:
            raise ValueError(f"more than {abi.MAX_PATTERNS} variables of the environment")
        variables = [_variable(pattern) for pattern in self.environment]
        noise = [_beginning(text) for text in NOISE] if self.reduce_noise else []
        return abi.RULES.pack(len(variables), len(noise), b"".join(variables), b"".join(noise))


def _variable(pattern: str) -> bytes:
    """Return the required beginning of a variable's text."""
    return _beginning((pattern.removesuffix("*") if pattern.endswith("*") else f"{pattern}=").encode())


def _beginning(text: bytes) -> bytes:
    """``struct pattern``: the bytes of a text, and a mask of as many ones."""
    if len(text) > abi.PATTERN_BYTES:
        raise ValueError(f"{text!r} is longer than {abi.PATTERN_BYTES} bytes")
    return text.ljust(abi.PATTERN_BYTES, b"\0") + (b"\xff" * len(text)).ljust(abi.PATTERN_BYTES, b"\0")
