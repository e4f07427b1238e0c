"""What the configuration asks of the kernel's programs."""

from __future__ import annotations

import msgspec

from proctor.bpf.kernel import abi
from proctor.config.schema import EnhancedRecording


class Rules(msgspec.Struct, frozen=True):
    """``environment``: variables recorded beyond ``LD_*``, by name, or by prefix and ``*``.

    ``reduce_noise``: leave out, and count, what programs open to be able to start.
    """

    environment: tuple[str, ...] = ()
    reduce_noise: bool = False

    @classmethod
    def of(cls, config: EnhancedRecording) -> Rules:
        """As the configuration file says."""
        return cls(tuple(config.environment), config.noise_reduction)

    def encode(self) -> bytes:
        """``struct rules``. Raises ValueError for more, or longer, variables than there is room for."""
        if len(self.environment) > abi.MAX_VARIABLES:
            raise ValueError(f"more than {abi.MAX_VARIABLES} variables of the environment")
        variables = b"".join(map(_variable, self.environment))
        return abi.RULES.pack(self.reduce_noise, len(self.environment), variables)


def _variable(pattern: str) -> bytes:
    """The bytes that the text of a variable must begin with, and a mask of as many ones."""
    text = (pattern.removesuffix("*") if pattern.endswith("*") else f"{pattern}=").encode()
    if len(text) > abi.VARIABLE_BYTES:
        raise ValueError(f"{pattern!r} is too long a variable")
    return text.ljust(abi.VARIABLE_BYTES, b"\0") + (b"\xff" * len(text)).ljust(abi.VARIABLE_BYTES, b"\0")
