# SPDX-License-Identifier: Apache-2.0
"""Clusters of real processes: an auth and proxy host, nodes that join it, people with their own homes.

Everything is on free ports of 127.0.0.1 and below one directory, so that any number of clusters run
side by side. Used by the e2e tests, the benchmarks and the demo.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proctor.capture.state.place import StateDirectory
from testing.accounts import Account
from testing.commands import BIN, command, environment
from testing.polling import until
from testing.processes import Process, descendants, free_ports

GUIDE_CONFIG = Path(__file__).with_name("guide-teleport.yaml")
GUIDE_TOKEN = "abcd123-insecure-do-not-use-this"

Event = dict[str, Any]

_CONTROL_CONFIG = """\
version: v3
teleport:
  nodename: {name}-control
  data_dir: {data_dir}
  diag_addr: 127.0.0.1:{diag}
auth_service:
  enabled: true
  cluster_name: {name}
  listen_addr: 127.0.0.1:{auth}
  tokens: [{static_tokens}]
proxy_service:
  enabled: true
  web_listen_addr: 127.0.0.1:{web}
  listen_addr: 127.0.0.1:{ssh}
  public_addr: 127.0.0.1:{web}
  ssh_public_addr: 127.0.0.1:{ssh}
ssh_service:
  enabled: false
"""


class Service:
    """One ``teleport start`` and all of its processes, with its configuration and data directory."""

    def __init__(self, directory: Path, config: str, diag_port: int, flags: Sequence[str] = ()) -> None:
        self.directory = directory
        self.data_dir = directory / "data"
        self.config = directory / "teleport.yaml"
        self.flags = list(flags)
        self.env = environment(directory)
        self.wrapper: list[str] = []
        self._diag_port = diag_port
        self.process: Process | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.config.write_text(config)

    @property
    def log(self) -> str:
        """What the processes have printed, all starts together."""
        return (self.directory / "teleport.log").read_text(errors="replace")

    def start(self, *, ready: bool = True) -> None:
        """Start it; with ``ready``, return when all services say that they are."""
        self.process = Process(
            [*self.wrapper, str(BIN / "teleport"), "start", "-c", str(self.config), *self.flags],
            log=self.directory / "teleport.log",
            env=self.env,
            cwd=self.directory,
        )
        if ready:
            self.wait_ready()

    def readiness(self, seconds: float = 15.0) -> tuple[int, dict[str, Any]]:
        """Status and body of /readyz; the status is 0 without an answer."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._diag_port}/readyz", timeout=seconds
            ) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)
        except (urllib.error.URLError, OSError, http.client.HTTPException):
            return 0, {}

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Wait until /readyz says so; AssertionError with the log when it never does."""

        def answered() -> bool:
            assert self.process is not None
            assert self.process.running, f"teleport start ended:\n{self.log}"
            return self.readiness()[0] == 200

        try:
            until(answered, seconds)
        except TimeoutError:
            raise AssertionError(f"not ready within {seconds:g} s: {self.readiness()}\n{self.log}") from None

    def pid_of(self, service: str) -> int:
        """The process id of one of its services, such as ``node``; KeyError when it does not run."""
        assert self.process is not None
        for pid, argv in descendants(self.process.pid).items():
            if argv[-1:] == [service] and "proctor.runtime.service" in argv:
                return pid
        raise KeyError(service)

    def kill_service(self, service: str) -> None:
        """SIGKILL to one of its services."""
        os.kill(self.pid_of(service), signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to everything, as a power cut does."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        return self.process.stop()


class Cluster:
    """A cluster named ``name`` below ``directory``."""

    def __init__(self, directory: Path, name: str = "purple", static_tokens: str = "") -> None:
        self.name = name
        self.directory = directory
        self.auth_port, self.web_port, self.ssh_port, diag = free_ports(4)
        config = _CONTROL_CONFIG.format(
            name=name,
            data_dir=directory / "control/data",
            diag=diag,
            auth=self.auth_port,
            web=self.web_port,
            ssh=self.ssh_port,
            static_tokens=static_tokens,
        )
        self.control = Service(directory / "control", config, diag)
        self.nodes: list[Node] = []
        self._events: list[Event] = []
        self._read: dict[Path, int] = {}

    @property
    def proxy(self) -> str:
        """The proxy's web address."""
        return f"127.0.0.1:{self.web_port}"

    def start(self) -> None:
        """Start auth and proxy."""
        self.control.start()

    def tctl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``tctl`` on the auth host; AssertionError with its output when it fails and ``check``."""
        return command(
            ["tctl", "-c", str(self.control.config), *arguments], environment(self.directory), check=check
        )

    def new_token(self, *, ttl: str = "5m", roles: str = "node") -> str:
        """An invitation made as the guide does."""
        output = self.tctl("nodes", "add", f"--ttl={ttl}", f"--roles={roles}").stdout
        found = re.search(r"The invite token: (\S+)", output)
        assert found, output
        return found[1]

    def add_node(self, token: str | None = None, **options: Any) -> Node:
        """A node that is to join this cluster, not started yet; ``options`` as those of :class:`Node`."""
        number = len(self.nodes)
        node = Node(self, self.directory / f"node{number}", token or self.new_token(), **options)
        self.nodes.append(node)
        return node

    def start_node(self, token: str | None = None, **options: Any) -> Node:
        """A node that has joined this cluster and that the proxy knows."""
        node = self.add_node(token, **options)
        node.start()
        until(lambda: node.name in self.tctl("nodes", "ls").stdout, 20, f"{node.name} in tctl nodes ls")
        return node

    def add_user(self, name: str, *, logins: str = "root", roles: str = "access,editor,auditor") -> Account:
        """A person who has accepted the invitation but not logged in yet."""
        output = self.tctl("users", "add", name, f"--roles={roles}", f"--logins={logins}").stdout
        invite = re.search(r"https://\S+/web/invite/(\S+)", output)
        assert invite, output
        home = self.directory / "homes" / name
        home.mkdir(parents=True)
        return Account.from_invite(name, self.proxy, invite[1], environment(home))

    def events(self, event: str = "", **fields: object) -> list[Event]:
        """Events in the audit log with this name and these field values, oldest first."""
        self._read_log()
        return [entry for entry in self._events if matches(entry, event, fields)]

    def _read_log(self) -> None:
        """Take in the whole lines that the audit log has grown by."""
        path = (self.control.data_dir / "log/events.log").resolve()
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._events += [json.loads(line) for line in data[:whole].splitlines()]
        self._read[path] = self._read.get(path, 0) + whole

    def wait_for_event(self, event: str, *, seconds: float = 20.0, **fields: object) -> Event:
        """The first such event, when it is in the audit log; AssertionError with the log's end if not."""
        try:
            return until(lambda: self.events(event, **fields), seconds)[0]
        except TimeoutError:
            names = [f"{entry['event']} {entry['code']}" for entry in self.events()[-30:]]
            raise AssertionError(f"no {event} {fields} within {seconds:g} s; last: {names}") from None

    def session_events(self, sid: str, event: str = "", *, seconds: float = 20.0) -> list[Event]:
        """The audit events of one session: complete, since its end is what a node sends last of it."""
        self.wait_for_event("session.end", sid=sid, seconds=seconds)
        self.wait_for_event("session.upload", sid=sid, seconds=seconds)
        return self.events(event, sid=sid)

    def shut_down(self) -> None:
        """Stop nodes, then auth and proxy, in good order, and then as :meth:`stop`."""
        try:
            for service in (*self.nodes, self.control):
                if service.process is not None and service.process.running:
                    service.stop()
        finally:
            self.stop()

    def stop(self) -> None:
        """End all processes of the cluster at once; remove their cgroups and mounts."""
        for service in (*self.nodes, self.control):
            service.kill()
        for node in self.nodes:
            StateDirectory(node.data_dir / "run").discard()
            _remove_cgroups(node.root_path)
        _unmount_below(self.directory)

    def logs(self) -> str:
        """The end of the logs of all hosts, for a failed test."""
        hosts: list[Service] = [self.control, *self.nodes]
        return "\n".join(f"--- {host.directory.name}\n{host.log[-8000:]}" for host in hosts if host.process)


class Node(Service):
    """A host of the guide: its configuration file verbatim but for names, addresses and paths.

    ``edit`` may change the text further.
    """

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        token: str,
        *,
        name: str = "graviton-node",
        edit: Callable[[str], str] = lambda text: text,
        flags: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.port, diag = free_ports(2)
        self.root_path = f"/proctor-{uuid.uuid4()}"
        replacements = {
            GUIDE_TOKEN: token,
            "graviton-node": name,
            "127.0.0.1:3025": f"127.0.0.1:{cluster.auth_port}",
            "127.0.0.1:3080": cluster.proxy,
            "/var/lib/teleport": str(directory / "data"),
            "cgroup_path: /cgroup2": f"cgroup_path: {directory / 'cgroup2'}\n    root_path: {self.root_path}",
            "ssh_service:\n": f"ssh_service:\n  listen_addr: 127.0.0.1:{self.port}\n",
        }
        config = edit(replaced(GUIDE_CONFIG.read_text(), replacements))
        super().__init__(directory, config, diag, [f"--diag-addr=127.0.0.1:{diag}", *flags])

    @property
    def host_uuid(self) -> str:
        """Its id, as in ``server_id`` of events."""
        return (self.data_dir / "host_uuid").read_text().strip()


def matches(entry: Mapping[str, Any], event: str, fields: Mapping[str, object]) -> bool:
    """Does an event have this name (any when empty) and these field values?"""
    named = not event or entry["event"] == event
    return named and all(entry.get(name) == value for name, value in fields.items())


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """``text`` with each key replaced; KeyError when one does not occur."""
    for old, new in replacements.items():
        if old not in text:
            raise KeyError(old)
        text = text.replace(old, new)
    return text


def _remove_cgroups(root_path: str) -> None:
    """End the processes of killed nodes' sessions and remove their cgroups."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"][:1]:
        top = mount / root_path.lstrip("/")
        if (top / "cgroup.kill").exists():
            (top / "cgroup.kill").write_text("1")
        for path, _, _ in os.walk(top, topdown=False):
            until(functools.partial(_removed, path), 5, f"removal of {path}")


def _removed(path: str) -> bool:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _unmount_below(directory: Path) -> None:
    """Undo mounts that killed services left behind."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in mounts:
        if mount.startswith(f"{directory}/"):
            subprocess.run(["umount", mount], check=True)
