# SPDX-License-Identifier: Apache-2.0
"""A cluster on this machine, a session in which a disguised command runs, and what the record says of it."""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.server
import itertools
import json
import os
import pwd
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyotp
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from proctor.capture.kernel.capability_report import probe
from proctor.core.clock import SYSTEM, parse_time
from proctor.model.sentences import brief
from testing.accounts import Account
from testing.cluster import Cluster, Event
from testing.commands import BIN

USER = "alice"
NODE = "graviton-node"
GREETING = "hello from the other side"
KERNEL_EVENTS = frozenset({"session.command", "session.disk", "session.network"})
COLUMNS = ("time", "event", "code", "user", "what")
NARROW_COLUMNS = ("time", "event", "what")
WIDE = 110
"""Characters of a terminal from which all columns fit."""


def main(arguments: Sequence[str]) -> int:
    """Run the demo; the exit status."""
    options = _parser().parse_args(arguments)
    report = probe()
    if not report.ok:
        print(
            "The demo records a session through the kernel, and here that is not possible:", file=sys.stderr
        )
        print("\n".join(f"  {sentence}" for sentence in report.missing), file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with _directory(options.data_dir) as directory, _web_server() as port:
            _run(directory, port, options)
    except KeyboardInterrupt:
        print("\ninterrupted; everything that was started has been stopped")
        return 130
    except (AssertionError, TimeoutError, EOFError) as error:
        print(f"\n./run demo: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the report")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="write there, and leave it there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the events of the report as JSON")
    return parser


@contextlib.contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    """Where the cluster lives: ``kept``, or a directory that is removed afterwards."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        if any(kept.iterdir()):
            raise SystemExit(f"./run demo: {kept} is not empty")
        yield kept.resolve()
        return
    directory = Path(tempfile.mkdtemp(prefix="proctor-demo-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


class _Greeter(http.server.BaseHTTPRequestHandler):
    """What the disguised command talks to."""

    def do_GET(self) -> None:
        """Answer any path with one line of text."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{GREETING}\n".encode())

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet: the terminal belongs to the report."""


@contextlib.contextmanager
def _web_server() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Greeter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def _run(directory: Path, web_port: int, options: argparse.Namespace) -> None:
    cluster = Cluster(directory)
    try:
        account = _start(cluster)
        typed, events = _record_session(cluster, account, web_port)
        _show(events, typed)
        if options.json:
            options.json.write_text(json.dumps(events, indent=2) + "\n")
        _tell(cluster, account)
        if not options.once:
            _keep_up(account)
    finally:
        with _step("stopping the cluster"):
            cluster.shut_down()


def _start(cluster: Cluster) -> Account:
    with _step("starting auth and proxy"):
        cluster.start()
    with _step("tctl nodes add, and a node joins with the token"):
        cluster.start_node(name=NODE)
    with _step("tctl users add, and the invitation is accepted"):
        account = cluster.add_user(USER, logins=_login())
    with _step("tsh login with password and one-time code"):
        account.login()
    return account


def _login() -> str:
    """The account sessions run as: whoever started the demo."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name


def _record_session(cluster: Cluster, account: Account, web_port: int) -> tuple[datetime, list[Event]]:
    """Type the guide's disguised command into a real session; when, and the audit events of all."""
    hidden = f"curl --silent http://127.0.0.1:{web_port}/\n".encode()
    line = f"echo {base64.b64encode(hidden).decode()} | base64 --decode | sh"
    with _step("tsh ssh, and a disguised command in the session"):
        with account.terminal("ssh", f"{_login()}@{NODE}") as terminal:
            terminal.line("echo ready-$((1+1))")
            terminal.expect("ready-2")
            typed = SYSTEM.now()
            terminal.line(line)
            terminal.expect(GREETING)
            terminal.line("exit")
            terminal.wait()
        cluster.session_events(cluster.wait_for_event("session.start")["sid"])
    print(f"\n  what was typed:  {line}\n")
    return typed, cluster.events()


def _show(events: Sequence[Event], typed: datetime) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    columns = COLUMNS if console.width >= WIDE else NARROW_COLUMNS
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None, padding=(0, 2, 0, 0))
    for early, group in itertools.groupby(events, lambda event: _is_early(event, typed)):
        first, *rest = group
        _row(table, columns, first)
        if early and rest:
            text = f"… and {len(rest)} more by the start-up files of the shell"
            table.add_row(*[""] * (len(columns) - 1), text, style="dim")
        else:
            for event in rest:
                _row(table, columns, event)
    console.print(table)


def _is_early(event: Event, typed: datetime) -> bool:
    """Did the kernel report it before the command was typed?"""
    return event["event"] in KERNEL_EVENTS and parse_time(event["time"]) < typed


def _row(table: Table, columns: Sequence[str], event: Event) -> None:
    cells = {
        "time": event["time"].partition("T")[2].partition(".")[0].removesuffix("Z"),
        "event": event["event"],
        "code": event["code"],
        "user": event.get("user", ""),
        "what": brief(event),
    }
    style = "bold" if event["event"] in KERNEL_EVENTS else ""
    table.add_row(*(Text(cells[name]) for name in columns), style=style)


def _tell(cluster: Cluster, account: Account) -> None:
    print(f"\n  web page   https://{cluster.proxy}/")
    print(f"  login      user {account.name}, password: {account.password}")
    print(f"             one-time codes from the secret {account.secret}")
    print(f"  audit log  {cluster.control.data_dir}/log/events.log")
    print(f"  terminal   export TELEPORT_HOME={account.home}/.tsh PATH={BIN}:$PATH")
    print(f"             tsh ssh {_login()}@{NODE}\n")


def _keep_up(account: Account) -> None:
    """Wait for Ctrl-C; at a terminal, show the current one-time code."""
    print("  The cluster is up until Ctrl-C.")
    totp = pyotp.TOTP(account.secret)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            if sys.stdout.isatty():
                print(f"\r  one-time code now: {totp.now()} ", end="", flush=True)
            time.sleep(1)
    print()


@contextlib.contextmanager
def _step(title: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"  {title:<52}", end="", flush=True)
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:5.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
