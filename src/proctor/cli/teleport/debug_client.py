# SPDX-License-Identifier: Apache-2.0
"""The client of ``run/debug.sock``: log level and CPU profiles of the services that run on this host."""

from __future__ import annotations

import base64
import io
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from proctor.cli.output import note
from proctor.config.load import read
from proctor.config.schema import DEFAULT_PATH, Teleport
from proctor.config.values import read_severity
from proctor.core import unixsock, wire
from proctor.core.clock import SYSTEM
from proctor.core.errors import AccessDenied, ConfigError, ProctorError, Unavailable

_ANSWER_SECONDS = 30.0


def ask(config: str, operation: str, *, seconds: float = 0.0, **fields: object) -> wire.Message:
    """What the supervisor of this host answers, which may work for ``seconds`` on it.

    Raises AccessDenied, Unavailable when none runs, and ProctorError when it refuses.
    """
    path = data_dir(config) / "run/debug.sock"
    try:
        with unixsock.connect(path) as connection:
            connection.settimeout(seconds + _ANSWER_SECONDS)
            wire.send(connection, {"call": 1, "op": operation, **fields})
            answer = wire.receive_message(connection)
    except PermissionError:
        raise AccessDenied(
            "only root and the account that runs teleport may do this", hint="Run it with sudo."
        ) from None
    except (OSError, wire.FrameError):
        raise Unavailable(
            f"no teleport answers at {path}", hint="Name the configuration that it runs with: --config=FILE"
        ) from None
    if answer is None:
        raise Unavailable(f"teleport has closed the connection to {path}")
    if "error" in answer:
        raise ProctorError(str(answer["error"]))
    return answer


def data_dir(config: str) -> Path:
    """Of the configuration at ``config``; when empty, of the usual one if it exists. Raises ConfigError."""
    if not config and not Path(DEFAULT_PATH).exists():
        return Path(Teleport().data_dir)
    return Path(read(Path(config or DEFAULT_PATH)).config.teleport.data_dir)


def check_level(text: str) -> None:
    """Raises ConfigError when it is no level."""
    try:
        read_severity(text)
    except ValueError as error:
        raise ConfigError(str(error), hint="The levels are: debug, info, warn, error.") from None


def level_text(answer: wire.Message) -> str:
    """Return the output of ``set-log-level``."""
    if answer["former"] == answer["level"]:
        return f'Log level already set to "{answer["level"]}".'
    return f'Changed log level from "{answer["former"]}" to "{answer["level"]}".'


def warn_of(failed: Mapping[str, object], what: str) -> None:
    """Name the services that did not do it."""
    for service, reason in failed.items():
        note(f"WARNING: {service} {what}: {reason}")


def archive(profiles: Mapping[str, str]) -> bytes:
    """A ``.tar.gz`` with one file for each service, ``NAME.pstats``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as files:
        for service, stats in profiles.items():
            data = base64.b64decode(stats)
            entry = tarfile.TarInfo(f"{service}.pstats")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(SYSTEM.now().timestamp())
            files.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def refuse_terminal(output: str) -> None:
    """Raises ConfigError when an archive would be written to a terminal."""
    if output == "stdout" and sys.stdout.isatty():
        raise ConfigError("an archive is not for a terminal", hint="Give --output=FILE, or: > profile.tar.gz")


def write(data: bytes, output: str) -> None:
    """To standard output or the file ``output``; raises OSError."""
    if output == "stdout":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        Path(output).write_bytes(data)
