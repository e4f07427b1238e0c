# SPDX-License-Identifier: Apache-2.0
"""Listening sockets of services: made once by the supervisor, inherited by each process of a service.

So connections wait while a service starts again, and a service without rights can use a port below 1024.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from proctor.config.boot import ServiceBoot
from proctor.core import unixsock
from proctor.core.accept import listen
from proctor.core.errors import ProctorError
from proctor.core.net import Address
from proctor.runtime.supervisor.resume import SavedListener


class Listeners:
    """By service, name and address. auth has none: gRPC does not accept sockets made elsewhere."""

    def __init__(self) -> None:
        self._sockets: dict[tuple[str, str, str], socket.socket] = {}

    def saved(self) -> list[SavedListener]:
        """All of them for another program."""
        return [
            SavedListener(service=service, name=name, place=place, descriptor=listener.fileno())
            for (service, name, place), listener in self._sockets.items()
        ]

    def adopt(self, saved: Sequence[SavedListener]) -> None:
        """Go on with those of the program before."""
        for one in saved:
            self._sockets[one.service, one.name, one.place] = socket.socket(fileno=one.descriptor)

    def of(self, boot: ServiceBoot) -> dict[str, socket.socket]:
        """The sockets of ``boot``'s service by name; closes those of former addresses.

        Raises ProctorError.
        """
        wanted = _wanted(boot)
        for key in [key for key in self._sockets if key[0] == boot.service]:
            if str(wanted.get(key[1])) != key[2]:
                self._sockets.pop(key).close()
        return {name: self._socket(boot, name, place) for name, place in wanted.items()}

    def _socket(self, boot: ServiceBoot, name: str, place: Address | str) -> socket.socket:
        key = (boot.service, name, str(place))
        if key not in self._sockets:
            self._sockets[key] = _open(boot, place)
        return self._sockets[key]

    def release(self, service: str) -> None:
        """Have connections to ``service`` refused, since it does not run."""
        for key in [key for key in self._sockets if key[0] == service]:
            self._sockets.pop(key).close()


def _open(boot: ServiceBoot, place: Address | str) -> socket.socket:
    try:
        if isinstance(place, Address):
            return listen(place.host, place.port)
        return unixsock.listen(boot.run_dir / place, uid=boot.node_uid)
    except OSError as error:
        what = f"diag_addr {place}" if boot.service == "diag" else boot.service
        raise ProctorError(f"{what}: {error.strerror}") from None


def _wanted(boot: ServiceBoot) -> dict[str, Address | str]:
    config = boot.config
    match boot.service:
        case "node":
            return {"ssh": config.ssh_service.listen_addr}
        case "proxy":
            return {"web": config.proxy_service.web_listen_addr, "ssh": config.proxy_service.listen_addr}
        case "spawner":
            return {"spawn": boot.spawn_socket.name}
        case "capture":
            return {"capture": boot.capture_socket.name}
        case "diag" if config.teleport.diag_addr:
            return {"diag": config.teleport.diag_addr}
        case _:
            return {}
