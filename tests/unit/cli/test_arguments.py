# SPDX-License-Identifier: Apache-2.0
from typing import Annotated

import pytest
import typer

from proctor.cli.arguments import RemoteCommand


def parsed(*arguments: str) -> tuple[str, list[str], int, bool]:
    """Host, command, ``-p`` and ``-t`` of a command line."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    seen = []

    @app.command(cls=RemoteCommand, context_settings={"allow_interspersed_args": False})
    def ssh(
        host: str,
        command: Annotated[list[str] | None, typer.Argument()] = None,
        port: Annotated[int, typer.Option("-p")] = 0,
        terminal: Annotated[bool, typer.Option("-t")] = False,
    ) -> None:
        seen.append((host, command or [], port, terminal))

    app(args=list(arguments), standalone_mode=False)
    return seen[0]


@pytest.mark.parametrize(
    ("line", "command", "port", "terminal"),
    [
        ("host", [], 0, False),
        ("host ls -l", ["ls", "-l"], 0, False),
        ("host -- ls -p 1", ["ls", "-p", "1"], 0, False),
        ("-- host ls", ["ls"], 0, False),
        ("-p 22 host -t ls -p 1", ["ls", "-p", "1"], 22, True),
        ("host -p 22", [], 22, False),
        ("host -p22 -t -- -p 1", ["-p", "1"], 22, True),
        ("host ls -- -x", ["ls", "--", "-x"], 0, False),
        ("-t -- host -p 22 -- -- ls", ["--", "ls"], 22, True),
    ],
)
def test_options_around_the_host(line: str, command: list[str], port: int, terminal: bool) -> None:
    assert parsed(*line.split()) == ("host", command, port, terminal)


@pytest.mark.parametrize("line", ["", "-p", "host -p", "host -p x ls", "host --no-such ls"])
def test_wrong_lines(line: str) -> None:
    with pytest.raises(typer.TyperException):
        parsed(*line.split())
