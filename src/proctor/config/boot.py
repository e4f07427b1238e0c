# SPDX-License-Identifier: Apache-2.0
"""Input of a service process from the supervisor: configuration, account, paths."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from proctor.config.schema import Config
from proctor.model.serde import from_json, to_json

ServiceName = Literal["auth", "capture", "spawner", "node", "proxy", "diag"]
SERVICES: tuple[ServiceName, ...] = ("auth", "capture", "spawner", "node", "proxy")
"""All services that a configuration enables, in the order in which they start."""


class ServiceBoot(msgspec.Struct, kw_only=True, frozen=True):
    """Everything one service process needs to start; travels as JSON over an inherited pipe.

    ``uid`` and ``gid``: whom this process becomes. ``node_uid``: whom spawner and capture accept
    on their sockets. ``auth_address``: ``host:port`` of the auth service's RPC, or of a proxy that
    passes it through. ``slot``: which of its directories for what waits to be delivered is this
    process's, since a service that is replaced goes on beside its successor. ``standby``: begin when asked
    to. ``recover``: only deliver what is in the slot. ``listeners``: names of the listening sockets that
    come as descriptors, in their order. ``local_join_token``: in auth's boot only, a token of this run
    with which the services of this host join. ``run_id``: a UUID of this run of the supervisor.
    """

    service: ServiceName
    config: Config
    host_uuid: str
    run_id: str
    uid: int
    gid: int
    node_uid: int
    auth_address: str
    node_name: str
    cluster_name: str = ""
    slot: int = 0
    standby: bool = False
    recover: bool = False
    listeners: tuple[str, ...] = ()
    local_join_token: str = ""
    skip_version_check: bool = False
    debug: bool = False

    @classmethod
    def decode(cls, data: bytes) -> ServiceBoot:
        """The boot in ``data``; raises Corrupted."""
        return from_json(data, cls)

    def encode(self) -> bytes:
        """JSON for the pipe; holds secrets, never log it."""
        return to_json(self)

    @property
    def data_dir(self) -> Path:
        """Directory of everything the services keep."""
        return Path(self.config.teleport.data_dir)

    @property
    def log_dir(self) -> Path:
        """Audit log and recordings: the guide's ``log``."""
        return self.data_dir / "log"

    @property
    def upload_dir(self) -> Path:
        """Recordings of the node being written and replicated."""
        return self.log_dir / f"upload{self._suffix}/sessions/default"

    @property
    def spool_dir(self) -> Path:
        """Audit events of this service that auth has not acknowledged."""
        return self.data_dir / "spool" / f"{self.service}{self._suffix}"

    @property
    def _suffix(self) -> str:
        return f".{self.slot}" if self.slot else ""

    @property
    def backend_dir(self) -> Path:
        """Directory of the auth service's database."""
        return Path(self.config.teleport.storage.path or self.data_dir / "backend")

    @property
    def run_dir(self) -> Path:
        """Local sockets."""
        return self.data_dir / "run"

    @property
    def spawn_socket(self) -> Path:
        """Path of the spawner's socket."""
        return self.run_dir / "spawn.sock"

    @property
    def capture_socket(self) -> Path:
        """Path of the capture service's socket."""
        return self.run_dir / "capture.sock"

    @property
    def trusted_user_ca(self) -> Path:
        """Root-owned copy of the user CA's SSH keys, for the spawner."""
        return self.data_dir / "proc/trusted/user_ca.pub"

    @property
    def host_key(self) -> Path:
        """The SSH host key of the node, which root alone reads."""
        return self.data_dir / "proc/host/ssh.key"

    @property
    def access_bundle(self) -> Path:
        """The newest access bundle that the spawner has verified."""
        return self.data_dir / "proc/host/access.json"

    def proc_dir(self, service: str = "") -> Path:
        """Host identity of ``service`` (default: this one)."""
        return self.data_dir / "proc" / (service or self.service)
