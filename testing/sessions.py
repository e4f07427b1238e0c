# SPDX-License-Identifier: Apache-2.0
"""Interactive sessions, typed into like a person does."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from testing.accounts import Account

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class ShellSession:
    """``tsh ssh`` to a host, at its prompt; ``sid`` is the session's id."""

    def __init__(self, account: Account, target: str) -> None:
        self.terminal = account.terminal("ssh", target)
        self.terminal.line("echo sid=$SSH_SESSION_ID")
        self.sid = self.terminal.expect(f"sid=({_UUID})")[1].decode()

    def run(self, line: str, seconds: float = 20.0) -> str:
        """Type a line and wait until the shell has run it; what appeared meanwhile."""
        start = len(self.terminal.output)
        self.terminal.line(line)
        self.terminal.line("echo done=$((6*7))")
        self.terminal.expect("done=42", seconds)
        return self.terminal.output[start:].decode(errors="replace")

    def exit(self, status: int = 0) -> int:
        """Leave the shell; the exit status of ``tsh``."""
        self.terminal.line(f"exit {status}")
        return self.terminal.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.terminal.close()
