# SPDX-License-Identifier: Apache-2.0
"""The command line of ``tsh ssh``, which is read as OpenSSH reads its own."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperOption


class RemoteCommand(TyperCommand):
    """A command whose arguments are ``[options] host [options] [--] [command…]``.

    Options may stand before and after the host, and end where the remote command begins; what follows
    belongs to the remote command, options included (ssh(1); its ``getopt`` loop restarts after the host).
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move the options behind the host in front of it. Raises what typer raises for wrong ones."""
        before, rest = self._split(ctx, args)
        if rest:
            host, *rest = rest
            after, rest = self._split(ctx, rest)
            args = [*before, *after, "--", host, *rest]
        return super().parse_args(ctx, args)

    def _split(self, ctx: Any, args: list[str]) -> tuple[list[str], list[str]]:
        """The options that ``args`` begins with, and what follows them without a first ``--``."""
        options = [each for each in self.get_params(ctx) if isinstance(each, TyperOption)]
        with_value = {name for each in options if not each.is_flag for name in each.opts}
        end = 0
        while end < len(args) and args[end].startswith("-") and args[end] != "-":
            if args[end] == "--":
                return args[:end], args[end + 1 :]
            end += 2 if _value_follows(args[end], with_value) else 1
        return args[:end], args[end:]


def _value_follows(token: str, with_value: set[str]) -> bool:
    """Whether the value of an option is the next word: ``--port 22``, ``-tp 22``, but not ``-p22``."""
    if token.startswith("--"):
        return token in with_value
    position = next((at for at, flag in enumerate(token) if at and f"-{flag}" in with_value), 0)
    return position > 0 and position == len(token) - 1
