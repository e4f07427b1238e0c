# SPDX-License-Identifier: Apache-2.0
"""What a command line that cannot be read is answered with."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer

from proctor.cli import usage_errors


def described(*arguments: str) -> str:
    """The message for the command line ``arguments`` of a program with two verbs."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.command()
    def status(user: Annotated[str, typer.Option("--user")] = "", count: int = 0) -> None:
        """Do nothing."""

    @app.command()
    def join() -> None:
        """Do nothing."""

    with pytest.raises(typer.TyperException) as raised:
        typer.main.get_command(app).main(list(arguments), prog_name="program", standalone_mode=False)
    return usage_errors.describe(raised.value, arguments)


def test_all_unknown_options_are_named() -> None:
    assert described("status", "--usr=x", "--other", "-q").splitlines() == [
        "No such option: --usr; did you mean --user?",
        "No such option: --other",
        "No such option: -q",
    ]


def test_values_of_options_are_no_options() -> None:
    assert described("status", "--user", "--odd", "--other") == "No such option: --other"


def test_words_behind_two_dashes_are_no_options() -> None:
    assert described("status", "--other", "--", "--more") == "No such option: --other"


def test_suggestions_resemble_what_was_typed() -> None:
    assert described("jion") == "No such command 'jion'. Did you mean 'join'?"
    assert described("xyz") == "No such command 'xyz'."
