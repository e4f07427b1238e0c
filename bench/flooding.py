# SPDX-License-Identifier: Apache-2.0
"""The callers of ``bench.flood``: ``python -m bench.flooding HOST PORT CONNECTIONS``.

Prints how many connections it holds and goes on until it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import grpc

from proctor.core.errors import ProctorError
from proctor.rpc import anonymous
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc._pb import record_pb2
from proctor.rpc.auth_client import Client, fetch_authorities_tls
from proctor.rpc.tls import SERVER_NAME

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_CHANNELS, _CALLS, _JOINERS = 40, 25, 4
_LONG = record_pb2.EventBatch(source="node/x/1", first_sequence=1, lines=b"x" * 2_000_000)


def _context() -> ssl.SSLContext:
    key, certificate = anonymous.key_and_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(key + certificate)
        context.load_cert_chain(file.name)
    return context


def _held(host: str, port: int, count: int) -> list[socket.socket]:
    """As many connections as the server takes, each with an HTTP/2 preface."""
    context, held = _context(), list[socket.socket]()
    for _ in range(count):
        try:
            plain = socket.create_connection((host, port), 5)
            secured = context.wrap_socket(plain, server_hostname=SERVER_NAME)
            secured.sendall(_PREFACE)
        except OSError:
            break
        held.append(secured)
    return held


def _hold_on(host: str, port: int, count: int) -> None:
    """Put new connections in the place of those that the server has closed."""
    held: deque[socket.socket] = deque(maxlen=count)
    while True:
        held += _held(host, port, 20)


async def _endless(client: Client) -> None:
    """A call whose request is long, and does not end."""

    async def requests() -> AsyncIterator[record_pb2.EventBatch]:
        yield _LONG
        await asyncio.Event().wait()

    while True:
        try:
            async for _ in client.audit.Emit(requests()):
                pass
        except grpc.RpcError:  # refused, which is what is measured
            await asyncio.sleep(0.05)


async def _guess(client: Client, number: int) -> None:
    """Join tokens, one after the other."""
    guess = 0
    while True:
        guess += 1
        request = pb.RegisterHostRequest(token=f"guess-{number}-{guess}", role="node")
        with contextlib.suppress(ProctorError):
            await client.call(client.join.RegisterHost, request)


async def _calls(address: str, authorities: bytes) -> None:
    clients = [Client(address, None, authorities=authorities) for _ in range(_CHANNELS)]
    calls = [_endless(client) for client in clients for _ in range(_CALLS)]
    guesses = [_guess(client, number) for number, client in enumerate(clients[:_JOINERS])]
    await asyncio.gather(*calls, *guesses)


def main() -> None:
    """Flood until killed."""
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    authorities = fetch_authorities_tls(f"{host}:{port}")
    held = _held(host, port, count)
    threading.Thread(target=_hold_on, args=(host, port, count), daemon=True).start()
    sys.stdout.write(f"{len(held)}\n")
    sys.stdout.flush()
    asyncio.run(_calls(f"{host}:{port}", authorities))


if __name__ == "__main__":
    main()
