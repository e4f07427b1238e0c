# SPDX-License-Identifier: Apache-2.0
"""The edge between a command and its user: errors become a sentence and an exit status, never a traceback."""

from __future__ import annotations

import logging
import os
import sys
from asyncio import CancelledError
from collections.abc import Sequence
from typing import NoReturn

import typer

from proctor.cli import standard_streams, usage_errors
from proctor.cli.application import prepare_completion
from proctor.cli.output import note
from proctor.core.errors import EXIT_FAILURE, EXIT_USAGE, ProctorError
from proctor.core.text import shortened

_INTERRUPTED = 130


def run(app: typer.Typer, arguments: Sequence[str]) -> NoReturn:
    """Run ``app`` with ``arguments`` and leave with its exit status."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what it says is in our own errors
    standard_streams.prepare()
    prepare_completion(str(app.info.name))
    status = exit_status(app, arguments)
    sys.exit(status or standard_streams.finish())


def exit_status(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run ``app`` with ``arguments``; every error becomes a message and the status that is returned."""
    try:
        if arguments[:1] == ["help"]:
            arguments = [*arguments[1:], "--help"]
        result = app(args=list(arguments), standalone_mode=False)
    except ProctorError as error:
        return fail(error)
    except typer.TyperException as error:
        return _usage(error, arguments)
    except (KeyboardInterrupt, CancelledError, typer.Abort):
        print(file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        standard_streams.discard_output()
        return EXIT_FAILURE
    except OSError as error:
        return standard_streams.finish() or fail(ProctorError(_os_error(error)))
    except Exception as error:
        logging.getLogger(__name__).debug("unexpected", exc_info=error)
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return fail(ProctorError(f"unexpected: {what}", hint="Run again with -d for details."))
    return result if isinstance(result, int) else 0


def fail(error: ProctorError) -> int:
    """Print an error and its hint; the exit status to leave with."""
    note(f"ERROR: {shortened(error.message)}")
    if error.hint:
        note(shortened(error.hint))
    return error.exit_code


def _usage(error: typer.TyperException, arguments: Sequence[str]) -> int:
    if getattr(error, "cmd", None) is None and not hasattr(error, "format_message"):
        note(f"ERROR: {error}")
        return EXIT_USAGE
    context = getattr(error, "ctx", None)
    message = usage_errors.describe(error, arguments)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message)  # a pager reads standard output
        return EXIT_USAGE
    note(f"ERROR: {shortened(message)}")
    if context is not None:
        note(f"Try: {context.command_path} --help")
    return EXIT_USAGE


def _os_error(error: OSError) -> str:
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{error.strerror or error}"


def debug_logging(debug: bool) -> None:
    """With ``debug``, log our own steps to standard error, and warnings of libraries."""
    level = logging.INFO if debug else logging.CRITICAL
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("proctor").setLevel(logging.DEBUG if debug else logging.CRITICAL)
