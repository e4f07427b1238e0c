# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``tctl``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from proctor.cli.application import application, from_environment, group
from proctor.cli.entrypoint import debug_logging
from proctor.cli.options import RecordingOptions, bundled
from proctor.cli.output import Format, emit, note, yaml
from proctor.cli.tctl.backup.commands import backup
from proctor.cli.tctl.connection import AdminOptions
from proctor.cli.tctl.inventory import inventory
from proctor.cli.tctl.lock_command import LockFlags
from proctor.core.errors import BadRequest
from proctor.core.version import banner, version_data

if TYPE_CHECKING:
    from proctor.rpc.auth_client import Client


app = application("tctl", "Administers the cluster.")
users = group("People.")
nodes = group("Hosts.")
tokens = group("Join tokens.")
auth = group("Certificates.")
recordings = group("Recorded sessions.")
retention = group("How long things are kept.")
_ENVIRONMENT = {
    "config": "TELEPORT_CONFIG_FILE",
    "auth_server": "TELEPORT_AUTH_SERVER",
    "identity": "TELEPORT_IDENTITY_FILE",
    "debug": "TELEPORT_DEBUG",
}
_GROUPS = {
    "inventory": inventory,
    "users": users,
    "nodes": nodes,
    "tokens": tokens,
    "auth": auth,
    "recordings": recordings,
    "retention": retention,
    "backup": backup,
}
for _name, _typer in _GROUPS.items():
    app.add_typer(_typer, name=_name)

Output = Annotated[Format, Option("--format", help="text, json or yaml.")]
UserName = Annotated[str, Argument(help="Name of the account.")]


@app.callback()
@bundled
def options_of_all(context: typer.Context, administering: AdminOptions) -> None:
    """Options that every verb takes may stand before it as well."""
    given = {name: value for name, value in asdict(administering).items() if value}
    given = from_environment(_ENVIRONMENT) | given
    debug_logging(bool(given.get("debug")))
    context.default_map = {
        **dict.fromkeys(_verbs(app), given),
        **{name: dict.fromkeys(_verbs(group), given) for name, group in _GROUPS.items()},
    }


def _verbs(commands: typer.Typer) -> list[str]:
    return [each.name or each.callback.__name__ for each in commands.registered_commands if each.callback]


@app.command()
@bundled
def status(administering: AdminOptions, output: Output = Format.TEXT) -> None:
    """Show the cluster, its version and the pin of its CA."""
    from proctor.cli.tctl import verbs

    found = administering.run(verbs.status)
    emit(output, found, verbs.status_text(found))


@app.command()
@bundled
def storage(administering: AdminOptions, output: Output = Format.TEXT) -> None:
    """Show what the auth service keeps on its disk, day by day, and for how long."""
    from proctor.cli.tctl import storage as verbs

    found = administering.run(verbs.storage)
    emit(output, verbs.storage_data(found), verbs.storage_text(found))


@retention.command("run")
@bundled
def retention_run(
    administering: AdminOptions,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what is due.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Remove days of the audit log and recordings that are due; it also happens by itself."""
    from proctor.cli.tctl import storage as verbs

    found = administering.run(lambda client: verbs.retain(client, dry_run=dry_run))
    emit(output, verbs.retain_data(found, dry_run=dry_run), verbs.retain_text(found, dry_run=dry_run))


@app.command()
def version(output: Output = Format.TEXT) -> None:
    """Print the version."""
    emit(output, version_data(), banner())


@users.command("add")
@bundled
def users_add(
    administering: AdminOptions,
    name: UserName,
    roles: Annotated[str, Option(help="Roles: access,auditor.")],
    logins: Annotated[str, Option(help="Logins on nodes: root,ubuntu.")] = "",
    ttl: Annotated[str, Option(help="How long the link is good [1h].")] = "",
    output: Output = Format.TEXT,
) -> None:
    """Create somebody, and print the link by which they set password and second factor."""
    from proctor.cli.tctl import verbs

    link = administering.run(lambda client: verbs.add_user(client, name, roles, logins, ttl))
    done = f'User "{name}" has been created but needs a password and a second factor.'
    emit(output, link, f"{done} {verbs.link_text(link)}")


@users.command("ls")
@bundled
def users_ls(administering: AdminOptions, output: Output = Format.TEXT) -> None:
    """List people."""
    _list(administering, "user", output)


@users.command("update")
@bundled
def users_update(
    administering: AdminOptions,
    name: UserName,
    set_roles: Annotated[str | None, Option(help="The new roles.")] = None,
    set_logins: Annotated[str | None, Option(help="The new logins.")] = None,
    output: Output = Format.TEXT,
) -> None:
    """Change roles or logins."""
    from proctor.cli.tctl import verbs

    administering.run(lambda client: verbs.update_user(client, name, set_roles, set_logins))
    text = f'User "{name}" has been updated. Logins from now on carry the change.'
    emit(output, {"user": name, "updated": True}, text)


@users.command("reset")
@bundled
def users_reset(
    administering: AdminOptions,
    name: UserName,
    ttl: Annotated[str, Option(help="How long the link is good [8h].")] = "",
    output: Output = Format.TEXT,
) -> None:
    """Take away password and second factor, and print the link that sets new ones."""
    from proctor.cli.tctl import verbs

    link = administering.run(lambda client: verbs.reset_user(client, name, ttl))
    emit(output, link, f'User "{name}" has been reset. {verbs.link_text(link)}')


@users.command("rm")
@bundled
def users_rm(administering: AdminOptions, name: UserName, output: Output = Format.TEXT) -> None:
    """Delete somebody."""
    _delete(administering, [("user", name)], output)


@nodes.command("add")
@bundled
def nodes_add(
    administering: AdminOptions,
    roles: Annotated[str, Option(help="Services of the host: node,proxy.")] = "node",
    ttl: Annotated[str, Option(help="How long the token is good [30m].")] = "30m",
    token: Annotated[str, Option(help="The token itself, instead of a random one.")] = "",
    output: Output = Format.TEXT,
) -> None:
    """Invite a host: make a token and print the line that starts the host."""
    from proctor.cli.tctl import verbs

    made = administering.run(lambda client: verbs.invitation(client, roles, ttl, token))
    emit(output, made, verbs.invitation_text(made))


@nodes.command("ls")
@bundled
def nodes_ls(administering: AdminOptions, output: Output = Format.TEXT) -> None:
    """List hosts."""
    _list(administering, "node", output)


@nodes.command("rm")
@bundled
def nodes_rm(
    administering: AdminOptions,
    node: Annotated[str, Argument(help="Name or UUID of the node.")],
    output: Output = Format.TEXT,
) -> None:
    """Remove a host: its certificate is revoked, and it must join again."""
    from proctor.cli.tctl import lock_command, verbs

    async def remove(client: Client) -> str:
        found = lock_command.node_id(await verbs.documents(client, "node"), node)
        await verbs.delete(client, "node", found)
        return found

    removed = administering.run(remove)
    emit(output, {"kind": "node", "name": removed, "deleted": True}, f'node "{removed}" has been removed')


@tokens.command("add")
@bundled
def tokens_add(
    administering: AdminOptions,
    roles: Annotated[str, Option("--type", help="Services that may join with it: node,proxy.")],
    ttl: Annotated[str, Option(help="How long it is good.")] = "1h",
    value: Annotated[str, Option(help="The token itself, instead of a random one.")] = "",
    output: Output = Format.TEXT,
) -> None:
    """Make a join token."""
    from proctor.cli.tctl import verbs

    made = administering.run(lambda client: verbs.invitation(client, roles, ttl, value))
    emit(output, made, verbs.invitation_text(made))


@tokens.command("ls")
@bundled
def tokens_ls(administering: AdminOptions, output: Output = Format.TEXT) -> None:
    """List tokens that have not expired."""
    _list(administering, "token", output)


@tokens.command("rm")
@bundled
def tokens_rm(
    administering: AdminOptions,
    token: Annotated[str, Argument(help="The token.")],
    output: Output = Format.TEXT,
) -> None:
    """Revoke a token."""
    _delete(administering, [("token", token)], output)


@auth.command("sign")
@bundled
def auth_sign(
    administering: AdminOptions,
    user: Annotated[str, Option(help="Whose identity.")],
    out: Annotated[str, Option("-o", "--out", help="The file to write.")],
    ttl: Annotated[str, Option(help="How long it is good [12h].")] = "",
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the file.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Write an identity file, for tsh -i and tctl -i."""
    from proctor.cli.tctl import verbs
    from proctor.rpc.identity_files import write_identity_file

    path = Path(out)
    if path.exists() and not overwrite:
        raise BadRequest(f"{out} exists", hint="Give --overwrite to replace it.")
    write_identity_file(path, administering.run(lambda client: verbs.sign(client, user, ttl)))
    text = f"The identity of {user} has been written to {out}. Whoever can read the file is {user}."
    emit(output, {"user": user, "path": out}, text)


@auth.command("export")
@bundled
def auth_export(
    administering: AdminOptions,
    kind: Annotated[str, Option("--type", help="user, host, tls-user, tls-host or krl.")] = "user",
    output: Output = Format.TEXT,
) -> None:
    """Print the public key of a CA, or write the list of revoked certificates (krl) for OpenSSH."""
    from proctor.cli.tctl import verbs

    if kind == "krl":
        if output is not Format.TEXT:
            raise BadRequest("--type=krl is binary and has no --format")
        sys.stdout.buffer.write(administering.run(verbs.revocation_list))
        return
    text = administering.run(lambda client: verbs.export(client, kind))
    emit(output, {"type": kind, "text": text}, text)


@app.command()
@bundled
def lock(administering: AdminOptions, flags: LockFlags, output: Output = Format.TEXT) -> None:
    """Lock somebody or something out, and end what they have open."""
    from proctor.cli.tctl import lock_command, verbs

    made = lock_command.make_lock(flags)

    async def put(client: Client) -> list[str]:
        await verbs.put(client, [made], overwrite=False)
        return await lock_command.unknown_targets(client, made)

    for remark in administering.run(put):
        note(f"WARNING: {remark}")
    emit(output, _document(made), f'Created a lock with name "{made.metadata.name}".')


@app.command()
@bundled
def create(
    administering: AdminOptions,
    file: Annotated[str, Argument(help="YAML; without it, standard input.")] = "",
    force: Annotated[bool, Option("-f", "--force", help="Replace what exists.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Create resources from one or more YAML documents."""
    from proctor.cli.tctl import documents, verbs

    parsed = documents.read(file)
    for warning in parsed.warnings:
        note(f"WARNING: {warning}")
    messages = administering.run(lambda client: verbs.put(client, parsed.resources, overwrite=force))
    emit(output, _references(parsed.resources), "\n".join(messages))


@app.command()
@bundled
def get(
    administering: AdminOptions,
    what: Annotated[list[str], Argument(help="kind or kind/name")],
    output: Annotated[Format, Option("--format", help="yaml, json or text.")] = Format.YAML,
) -> None:
    """Print resources."""
    from proctor.cli.tctl import documents, verbs
    from proctor.model.serde import to_builtins

    wanted = list(documents.references(what))

    async def fetch(client: Any) -> list[Any]:
        return [each for kind, name in wanted for each in await verbs.documents(client, kind, name)]

    found = administering.run(fetch)
    if output is Format.YAML:
        print(yaml([_document(each) for each in found]), end="")
        return
    kinds = dict.fromkeys(kind for kind, _ in wanted)
    texts = [verbs.resources_table(kind, [each for each in found if each.kind == kind]) for kind in kinds]
    emit(output, [to_builtins(each) for each in found], "\n\n".join(texts))


@app.command()
@bundled
def edit(
    administering: AdminOptions,
    what: Annotated[str, Argument(help="kind/name")],
    output: Output = Format.TEXT,
) -> None:
    """Edit a resource in $VISUAL or $EDITOR."""
    from proctor.cli.tctl import documents, verbs
    from proctor.cli.tctl.edit import edited

    ((kind, name),) = documents.references([what])
    if not name:
        raise BadRequest("name the resource", hint=f"tctl edit {kind}/<name>")
    (before,) = administering.run(lambda client: verbs.documents(client, kind, name))
    after = edited(yaml([_document(before)]), f"{kind}/{name}")
    if after is None:
        emit(output, [], f'{kind} "{name}" has not been changed')
        return
    messages = administering.run(lambda client: verbs.put(client, [after], overwrite=True))
    emit(output, _references([after]), "\n".join(messages))


def _document(resource: Any) -> dict[str, Any]:
    """With kind and version, which are defaults and so would be left out."""
    from proctor.model.serde import to_builtins

    return {"kind": resource.kind, "version": resource.version, **to_builtins(resource)}


def _references(resources: Sequence[Any]) -> list[dict[str, str]]:
    return [{"kind": each.kind, "name": each.metadata.name} for each in resources]


@app.command()
@bundled
def rm(
    administering: AdminOptions,
    what: Annotated[list[str], Argument(help="kind/name")],
    output: Output = Format.TEXT,
) -> None:
    """Delete a resource."""
    from proctor.cli.tctl import documents

    wanted = list(documents.references(what))
    for kind, name in wanted:
        if not name:
            raise BadRequest("name the resource", hint=f"tctl rm {kind}/<name>")
    _delete(administering, wanted, output)


@recordings.command("ls")
@bundled
def recordings_ls(
    administering: AdminOptions,
    wanted: RecordingOptions,
    limit: Annotated[int, Option(help="Most recordings to show.", min=1, max=100_000)] = 50,
    output: Output = Format.TEXT,
) -> None:
    """List recorded sessions."""
    from proctor.cli.tsh import replay

    found = administering.run(lambda client: replay.recordings(client, wanted, limit))
    emit(output, [replay.recording_data(info) for info in found], replay.recordings_table(found))


@recordings.command("download")
@bundled
def recordings_download(
    administering: AdminOptions,
    session_id: Annotated[str, Argument(help="Id of the session, or its beginning.")],
    directory: Annotated[Path, Option("-o", "--output-dir", help="Where to write <id>.tar.")] = Path(),
    output: Output = Format.TEXT,
) -> None:
    """Download a recording as an archive, which tsh play takes."""
    from proctor.cli.tctl.recordings import download
    from proctor.cli.tsh import replay

    async def work(client: Client) -> Path:
        return await download(client, await replay.session_id(client, session_id), directory)

    path = str(administering.run(work))
    emit(output, {"path": path}, path)


def _list(administering: AdminOptions, kind: str, output: Format) -> None:
    from proctor.cli.tctl import verbs

    found = administering.run(lambda client: verbs.documents(client, kind))
    emit(output, [_document(each) for each in found], verbs.resources_table(kind, found))


def _delete(administering: AdminOptions, wanted: Sequence[tuple[str, str]], output: Format) -> None:
    from proctor.cli.tctl import verbs

    gone: list[tuple[str, str]] = []

    async def work(client: Client) -> None:
        for kind, name in wanted:
            await verbs.delete(client, kind, name)
            gone.append((kind, name))

    try:
        administering.run(work)
    finally:
        if gone:  # the first ones may be, when a later one does not exist
            data = [{"kind": kind, "name": name, "deleted": True} for kind, name in gone]
            emit(output, data, "\n".join(f'{kind} "{name}" has been deleted' for kind, name in gone))
