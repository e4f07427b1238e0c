# SPDX-License-Identifier: Apache-2.0
"""Base of the three commands: construction, shell completion, variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from typer import Argument
from typer._completion_classes import completion_init  # no public way to complete with verbs of our own
from typer._completion_shared import get_completion_script

from proctor.core.errors import BadRequest

SHELLS = ("bash", "zsh", "fish")


def application(name: str, help_: str) -> typer.Typer:
    """Return the command ``name`` with one verb, ``completion``."""
    app = typer.Typer(
        name=name,
        help=help_,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.command()
    def completion(shell: Annotated[str, Argument(help="bash, zsh or fish.")]) -> None:
        """Print a script that completes this command in a shell."""
        if shell not in SHELLS:
            raise BadRequest(f"{shell!r} is not one of {', '.join(SHELLS)}")
        completion_init()
        print(get_completion_script(prog_name=name, complete_var=_variable(name), shell=shell))

    return app


def group(help_: str) -> typer.Typer:
    """Return a group of verbs."""
    return typer.Typer(help=help_, no_args_is_help=True)


def prepare_completion(name: str) -> None:
    """Get ready to answer the script of ``completion``, which runs the command with a variable set."""
    if _variable(name) in os.environ:
        completion_init()


def _variable(name: str) -> str:
    return f"_{name.upper()}_COMPLETE"


def from_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the options whose variable is set; ``variables`` maps names of options to variables.

    Raises BadRequest when ``debug`` is not a boolean as strconv.ParseBool of Go reads it.
    """
    given = {option: os.environ.get(variable, "") for option, variable in variables.items()}
    found: dict[str, Any] = {option: text for option, text in given.items() if text}
    if text := found.get("debug"):
        found["debug"] = _boolean(variables["debug"], text)
    return found


def _boolean(variable: str, text: str) -> bool:
    if text in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if text in {"0", "f", "F", "false", "FALSE", "False"}:
        return False
    raise BadRequest(f"{variable}={text}: expected true or false")
