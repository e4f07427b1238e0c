# SPDX-License-Identifier: Apache-2.0
"""The verbs of our commands, and a process that runs command lines one after the other.

``python -m testing.commandline tsh`` reads a JSON array of command lines, and prints an array of ``Outcome``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from proctor.cli.entrypoint import exit_status

PROGRAMS = ("tsh", "tctl", "teleport")


class Outcome(NamedTuple):
    """What one command line has led to."""

    arguments: list[str]
    status: int
    stdout: str
    stderr: str


class Verb(NamedTuple):
    """A verb: ``words`` such as ``("tctl", "users", "add")``, and its options and arguments."""

    words: tuple[str, ...]
    parameters: list[Any]

    @property
    def name(self) -> str:
        """``tctl users add``."""
        return " ".join(self.words)

    def option(self, name: str) -> Any:
        """The option with that name, None when there is none."""
        return next((each for each in self.parameters if name in each.opts), None)


def application(program: str) -> typer.Typer:
    """The application of one of ``PROGRAMS``."""
    app = importlib.import_module(f"proctor.cli.{program}.app").app
    assert isinstance(app, typer.Typer)
    return app


def verbs(program: str) -> Iterator[Verb]:
    """Every verb of ``program``, those of groups too."""
    yield from _verbs((program,), typer.main.get_command(application(program)))


def _verbs(words: tuple[str, ...], command: Any) -> Iterator[Verb]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield Verb(words, list(command.params))
        return
    for name, each in inner.items():
        yield from _verbs((*words, name), each)


def outcomes(
    program: str, lines: Sequence[Sequence[str]], env: Mapping[str, str], directory: Path, *, seconds: float
) -> list[Outcome]:
    """What ``lines`` lead to in one process without a terminal. Raises subprocess.TimeoutExpired.

    ``directory``: where it works, since the values of options name files.
    """
    done = subprocess.run(
        [sys.executable, "-m", "testing.commandline", program],
        input=json.dumps(lines).encode(),
        env=dict(env),
        cwd=directory,
        capture_output=True,
        timeout=seconds,
        check=True,
        start_new_session=True,
    )
    return [Outcome(*each) for each in json.loads(done.stdout)]


def _outcome(app: typer.Typer, arguments: list[str]) -> Outcome:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = exit_status(app, arguments)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode(errors="replace"))
    return Outcome(arguments, status, *texts)


def main() -> None:
    """Run the command lines of standard input."""
    lines = json.load(sys.stdin)
    app = application(sys.argv[1])
    json.dump([_outcome(app, line) for line in lines], sys.stdout)


if __name__ == "__main__":
    main()
