# SPDX-License-Identifier: Apache-2.0
"""``tctl backup``: its verbs."""

from __future__ import annotations

from typing import Annotated, Any

from typer import Argument, Option

from proctor.cli.application import group
from proctor.cli.options import bundled
from proctor.cli.output import Format, emit, note, size_text
from proctor.cli.tctl.connection import AdminOptions

backup = group("Copies of what the auth service keeps.")
Output = Annotated[Format, Option("--format", help="text, json or yaml.")]


@backup.command("create")
@bundled
def backup_create(
    administering: AdminOptions,
    target: Annotated[str, Argument(help="A file, a directory (DIR/), or - for standard output.")],
    output: Output = Format.TEXT,
) -> None:
    """Copy what the auth service of this host keeps, while it runs: state, audit log, recordings."""
    from proctor.cli.tctl.backup.contents import Contents
    from proctor.cli.tctl.backup.create import create

    made = create(Contents(*administering.directories()), target)
    note(f"{len(made.files)} files, {_size(made)}; the audit log up to {made.position}.")
    note("It holds the private keys of the cluster: keep it as safe as the auth host.")
    if output is not Format.TEXT and target != "-":
        emit(output, _data(made) | {"path": target}, "")


@backup.command("verify")
@bundled
def backup_verify(
    administering: AdminOptions,
    origin: Annotated[str, Argument(help="A file, a directory, or - for standard input.")],
    output: Output = Format.TEXT,
) -> None:
    """Read a backup and compare it with its manifest."""
    from proctor.cli.tctl.backup.create import verify

    found = verify(origin)
    text = (
        f"{len(found.files)} files, {_size(found)}, made at {found.created} by version {found.version}; "
        f"the audit log up to {found.position}."
    )
    emit(output, _data(found), text)


@backup.command("restore")
@bundled
def backup_restore(
    administering: AdminOptions,
    origin: Annotated[str, Argument(help="A file, a directory, or - for standard input.")],
    output: Output = Format.TEXT,
) -> None:
    """Put a backup into the empty data directory of this host, before teleport starts."""
    from proctor.cli.tctl.backup.restore import restore

    data_dir, backend = administering.directories()
    found = restore(origin, data_dir, backend)
    text = f"{len(found.files)} files, {_size(found)}, are in {data_dir}. Now start teleport."
    emit(output, _data(found) | {"path": str(data_dir)}, text)


def _size(made: Any) -> str:
    return size_text(_bytes(made))


def _bytes(made: Any) -> int:
    return sum(file.size for file in made.files.values())


def _data(made: Any) -> dict[str, Any]:
    return {"files": len(made.files), "bytes": _bytes(made), "audit_position": str(made.position)}
