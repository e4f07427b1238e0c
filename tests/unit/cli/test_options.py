# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from typing import Annotated

import typer

from proctor.cli.options import bundled


@dataclass(frozen=True, kw_only=True)
class Colours:
    first: Annotated[str, typer.Option(help="One.")] = "red"
    loud: Annotated[bool, typer.Option("--loud")] = False


def run(*arguments: str) -> list[object]:
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    seen: list[object] = []

    @app.command()
    @bundled
    def paint(wall: str, colours: Colours, coats: Annotated[int, typer.Option()] = 1) -> None:
        """Paint."""
        seen.extend([wall, colours, coats])

    app(args=list(arguments), standalone_mode=False)
    return seen


def test_fields_are_options() -> None:
    assert run("north") == ["north", Colours(), 1]
    assert run("--loud", "north", "--first=blue", "--coats=2") == [
        "north",
        Colours(first="blue", loud=True),
        2,
    ]


def test_name_and_help_stay() -> None:
    def paint(colours: Colours) -> None:
        """Paint."""

    command = bundled(paint)
    assert command.__name__ == "paint"
    assert command.__doc__ == "Paint."
