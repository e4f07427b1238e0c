# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``tsh``."""

from __future__ import annotations

import asyncio
import getpass
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from proctor.cli import profile as profiles
from proctor.cli.application import application, from_environment, group
from proctor.cli.arguments import RemoteCommand
from proctor.cli.entrypoint import debug_logging
from proctor.cli.options import RecordingOptions, bundled
from proctor.cli.output import Format, emit, note, say
from proctor.cli.tsh.connection import ConnectOptions
from proctor.cli.tsh.web import proxy_address
from proctor.core.errors import BadRequest
from proctor.core.version import banner, version_data

DEFAULT_NODE_PORT = 3022
MAX_TTL = 366 * 24 * 60
MAX_LISTED = 100_000
_ENVIRONMENT = {
    "proxy": "TELEPORT_PROXY",
    "user": "TELEPORT_USER",
    "identity": "TELEPORT_IDENTITY_FILE",
    "cluster": "TELEPORT_CLUSTER",
    "debug": "TELEPORT_DEBUG",
}

app = application("tsh", "Opens sessions on nodes with short-lived certificates, and plays recordings.")
recordings = group("Recorded sessions.")
sessions = group("Running sessions.")
proxy = group("Connections through the proxy for other programs.")
_GROUPS = {"recordings": recordings, "sessions": sessions, "proxy": proxy}
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name)

Login = Annotated[str, Option("-l", "--login", help="Login on the node.", envvar="TELEPORT_LOGIN")]
Port = Annotated[
    int, Option("-p", "--port", help="Port of the node, where several have one name.", min=1, max=65535)
]
Output = Annotated[Format, Option("--format", help="text, json or yaml.")]


@app.callback()
@bundled
def options_of_all(context: typer.Context, connecting: ConnectOptions) -> None:
    """Options that every verb takes may stand before it as well."""
    given = {name: value for name, value in asdict(connecting).items() if value}
    defaults = from_environment(_ENVIRONMENT) | given
    context.default_map = {
        **dict.fromkeys(_verbs(app), defaults),
        **{name: dict.fromkeys(_verbs(group), defaults) for name, group in _GROUPS.items()},
    }


def _verbs(commands: typer.Typer) -> list[str]:
    return [each.name or each.callback.__name__ for each in commands.registered_commands if each.callback]


@app.command()
@bundled
def login(
    connecting: ConnectOptions,
    ttl: Annotated[int, Option(help="Minutes that the login is to last [720].", min=0, max=MAX_TTL)] = 0,
    out: Annotated[str, Option("-o", "--out", help="Write an identity file instead of a profile.")] = "",
    output: Output = Format.TEXT,
) -> None:
    """Log in with password and one-time code."""
    from proctor.cli.tsh.login import login as log_in
    from proctor.cli.tsh.status import as_data, describe

    debug_logging(connecting.debug)
    profile = profiles.current()
    web = connecting.proxy or (profile.web if profile else "")
    if not web:
        raise BadRequest("which proxy?", hint="Give --proxy=<host> or set TELEPORT_PROXY.")
    user = connecting.user or (profile.user if profile else getpass.getuser())
    active = log_in(proxy_address(web), user, minutes=ttl, insecure=connecting.insecure, out=out)
    if not out or output is not Format.TEXT:
        emit(output, as_data(active), describe(active))


@app.command()
@bundled
def logout(connecting: ConnectOptions, output: Output = Format.TEXT) -> None:
    """Delete the certificates of this login."""
    profile = profiles.find(proxy_address(connecting.proxy)) if connecting.proxy else profiles.current()
    if profile is None:
        note(profiles.NOT_LOGGED_IN)
        return
    profiles.remove(profile)
    data = {"user": profile.user, "cluster": profile.cluster, "logged_out": True}
    emit(output, data, f"Logged out {profile.user} from {profile.cluster}.")


@app.command()
@bundled
def status(connecting: ConnectOptions, output: Output = Format.TEXT) -> None:
    """Show who is logged in, and for how long."""
    from proctor.cli.tsh import status as page

    active = connecting.active()
    emit(output, page.as_data(active), page.describe(active))


@app.command()
def version(
    client: Annotated[bool, Option("--client", help="Of this command only.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Print the versions of this command and of the proxy."""
    proxy = {} if client else profiles.proxy_version()
    emit(output, version_data() | proxy, "\n".join([banner(), *profiles.version_lines(proxy)]))


@app.command()
@bundled
def ls(
    connecting: ConnectOptions,
    labels: Annotated[list[str] | None, Argument(help="key=value,…")] = None,
    verbose: Annotated[bool, Option("-v", "--verbose", help="Show ids and enhanced recording.")] = False,
    search: Annotated[str, Option(help="Text in name, address or labels.")] = "",
    output: Output = Format.TEXT,
) -> None:
    """List nodes."""
    from proctor.cli.tsh import nodes
    from proctor.model.serde import to_builtins

    debug_logging(connecting.debug)
    wanted = nodes.parse_labels(labels or [])
    found = nodes.matching(asyncio.run(nodes.nodes(connecting.active())), wanted, search)
    emit(output, [to_builtins(node) for node in found], nodes.text(found, verbose=verbose))


@dataclass(frozen=True, kw_only=True)
class ShellOptions:
    """Options of ``tsh ssh``."""

    login: Login = ""
    port: Port = DEFAULT_NODE_PORT
    terminal: Annotated[bool, Option("-t", "--tty", help="A terminal for a command, too.")] = False
    forward: Annotated[list[str] | None, Option("-L", help="[bind:]port:host:port")] = None
    no_command: Annotated[bool, Option("-N", help="Forward ports only.")] = False


@app.command(cls=RemoteCommand, context_settings={"allow_interspersed_args": False})
@bundled
def ssh(
    connecting: ConnectOptions,
    options: ShellOptions,
    target: Annotated[str, Argument(help="[login@]host, or [login@]label=value for all that have it.")],
    command: Annotated[list[str] | None, Argument(help="Command; without it, a shell.")] = None,
) -> int:
    """Open a shell on a node, or run a command there."""
    from proctor.cli.tsh import dial, nodes, shell

    debug_logging(connecting.debug)
    active = connecting.active()
    where = dial.parse_target(target, options.login, active)
    forwards = [shell.parse_forward(text) for text in options.forward or []]
    line = " ".join(command) if command else None

    async def session(node: dial.DialTarget) -> int:
        async with dial.connected(active, node, options.port) as connection:
            await shell.forward(connection, forwards)
            if options.no_command:
                await connection.wait_closed()
                return 0
            terminal = options.terminal or (line is None and sys.stdin.isatty())
            return await shell.run(connection, line, terminal=terminal)

    async def sessions() -> int:
        selected = await nodes.selected(active, where)
        if line is None and len(selected) > 1:
            names = ", ".join(node.name for node in selected)
            raise BadRequest(f"{where.host} selects {len(selected)} nodes: {names}", hint="Give a command.")
        status = 0
        for node in selected:
            if node.name:
                note(f"{node.name}:")
            status = await session(node) or status
        return status

    return asyncio.run(sessions())


@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """Options of ``tsh scp``."""

    login: Login = ""
    port: Annotated[
        int, Option("-P", "--port", help="Port of the node, where several have one name.", min=1, max=65535)
    ] = DEFAULT_NODE_PORT
    recursive: Annotated[bool, Option("-r", "--recursive", help="Directories, too.")] = False
    preserve: Annotated[bool, Option("-p", "--preserve", help="Keep times and modes.")] = False
    quiet: Annotated[bool, Option("-q", "--quiet", help="No progress.")] = False


@app.command()
@bundled
def scp(
    connecting: ConnectOptions,
    options: CopyOptions,
    paths: Annotated[list[str], Argument(help="Sources and destination; remote: [login@]host:path")],
) -> None:
    """Copy files to or from a node."""
    from proctor.cli.tsh import transfer

    debug_logging(connecting.debug)
    active = connecting.active()
    what = transfer.plan(active, options.login, paths)
    how = transfer.How(
        port=options.port,
        recursive=options.recursive,
        preserve=options.preserve,
        quiet=options.quiet or not sys.stderr.isatty(),
    )
    asyncio.run(transfer.copy(active, what, how))


@app.command()
@bundled
def config(connecting: ConnectOptions, port: Port = DEFAULT_NODE_PORT) -> None:
    """Print a configuration for OpenSSH: ssh -F FILE login@node.cluster."""
    from proctor.cli.tsh import openssh

    if connecting.identity:
        raise BadRequest("tsh config needs a login, not an identity file")
    say(openssh.config(connecting.active(), port).rstrip("\n"))


@app.command()
@bundled
def play(
    connecting: ConnectOptions,
    session_id: Annotated[str, Argument(help="Id of the session, its beginning, or a file.")],
    format_: Annotated[str, Option("--format", help="pty, json, yaml, text or asciicast.")] = "pty",
    speed: Annotated[str, Option(help="0.5x, 1x, 2x, 4x or 8x.")] = "1x",
    skip_idle_time: Annotated[bool, Option("--skip-idle-time", help="Cut long pauses.")] = False,
) -> None:
    """Play a recording; a session that still runs is followed. Keys: space, arrows, q."""
    from proctor.cli.playback.local_recording import is_file
    from proctor.cli.tsh import replay

    debug_logging(connecting.debug)
    how = _choice(replay.PlayFormat, "--format", format_)
    rate = _choice(replay.Speed, "--speed", speed)
    if is_file(session_id):
        asyncio.run(replay.play_file(Path(session_id), how, rate, skip_idle=skip_idle_time))
        return
    asyncio.run(replay.play(connecting.active(), session_id, how, rate, skip_idle=skip_idle_time))


def _choice(kind: Any, flag: str, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadRequest(f"{flag}: {text!r} is not one of {', '.join(kind)}") from None


@recordings.command("ls")
@bundled
def recordings_ls(
    connecting: ConnectOptions,
    wanted: RecordingOptions,
    limit: Annotated[int, Option(help="Most recordings to show.", min=1, max=MAX_LISTED)] = 50,
    output: Output = Format.TEXT,
) -> None:
    """List recorded sessions."""
    from proctor.cli.tsh import replay

    debug_logging(connecting.debug)
    active = connecting.active()

    async def search() -> list[Any]:
        async with active.client() as client:
            return await replay.recordings(client, wanted, limit)

    found = asyncio.run(search())
    emit(output, [replay.recording_data(info) for info in found], replay.recordings_table(found))


@sessions.command("ls")
@bundled
def sessions_ls(connecting: ConnectOptions, output: Output = Format.TEXT) -> None:
    """List sessions that run now; tsh play follows one."""
    from proctor.cli.tsh import replay

    debug_logging(connecting.debug)
    active = connecting.active()

    async def search() -> list[Any]:
        async with active.client() as client:
            return await replay.running(client)

    found = asyncio.run(search())
    emit(output, [replay.recording_data(info) for info in found], replay.recordings_table(found))


@app.command()
@bundled
def clusters(connecting: ConnectOptions, output: Output = Format.TEXT) -> None:
    """List the cluster of this login."""
    from proctor.cli.output import table

    active = connecting.active()
    data = {
        "cluster_name": active.profile.cluster,
        "status": "online",
        "cluster_type": "root",
        "selected": True,
    }
    text = table(
        ["Cluster Name", "Status", "Cluster Type", "Selected"],
        [[active.profile.cluster, "online", "root", "*"]],
    )
    emit(output, [data], text)


@proxy.command("ssh")
@bundled
def proxy_ssh(
    connecting: ConnectOptions,
    target: Annotated[str, Argument(help="[login@]host[:port], as ssh's %r@%h:%p gives it.")],
) -> int:
    """Connect standard input and output to a node: a ProxyCommand for OpenSSH."""
    from proctor.cli.tsh import dial, shell

    debug_logging(connecting.debug)
    active = connecting.active()
    where, port = dial.parse_target_port(target, active, DEFAULT_NODE_PORT)

    async def connected() -> int:
        async with dial.tunnelled(active, where, port) as stream:
            return await shell.relay(*stream)

    return asyncio.run(connected())
