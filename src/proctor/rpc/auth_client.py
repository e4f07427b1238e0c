# SPDX-License-Identifier: Apache-2.0
"""Typed access to the auth service over mTLS, whatever address leads to it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import grpc
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from proctor.core.errors import AccessDenied, IncompatibleVersion, Unavailable
from proctor.core.net import connection_failure, split_address
from proctor.core.tasks import Threads
from proctor.core.version import VERSION, check_auth_server
from proctor.rpc import anonymous, tls
from proctor.rpc._pb import auth_pb2, auth_pb2_grpc, record_pb2_grpc
from proctor.rpc.grpc_status import translated
from proctor.rpc.identity_files import Credentials

__all__ = ["Client", "fetch_authorities_tls", "join", "translated"]

VERSION_KEY = "proctor-version"
MAX_MESSAGE = 16 * 1024 * 1024
HANDSHAKE_SECONDS = 10.0
RECONNECT_SECONDS = 2.0
"""How long a call waits for an auth service that refuses connections."""

Response = TypeVar("Response")
_log = logging.getLogger(__name__)

_OPTIONS = [
    ("grpc.ssl_target_name_override", tls.SERVER_NAME),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # The one that counts: without it a lost keepalive ping goes unnoticed for a minute and more.
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
]


_threads = Threads("fetch-authorities", 2)


class _SayVersion(grpc.AuthMetadataPlugin):
    """Puts our version into the metadata of every call."""

    def __init__(self, version: str) -> None:
        self._metadata = ((VERSION_KEY, version),)

    def __call__(self, _context: Any, callback: Callable[..., None]) -> None:
        callback(self._metadata, None)


class Client:
    """One channel to the auth service; ``credentials`` None is an anonymous caller.

    ``authorities`` (PEM) overrides which host CA is trusted, for callers that have no credentials yet.
    Create it inside the event loop that uses it.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials | None,
        *,
        authorities: bytes = b"",
        skip_version_check: bool = False,
        version: str = VERSION,
    ) -> None:
        if credentials is None:
            key, certificate = anonymous.key_and_certificate()
        else:
            key, certificate = credentials.tls_key, credentials.tls_certificate
            authorities = authorities or credentials.authorities.host_tls_ca
        channel_credentials = grpc.composite_channel_credentials(
            grpc.ssl_channel_credentials(authorities, key, certificate),
            grpc.metadata_call_credentials(_SayVersion(version)),
        )
        self.address = address
        self._version = version
        self._check_server = not skip_version_check
        self._channel = grpc.aio.secure_channel(address, channel_credentials, options=_OPTIONS)
        self.join = auth_pb2_grpc.JoinStub(self._channel)  # type: ignore[no-untyped-call]
        self.auth = auth_pb2_grpc.AuthStub(self._channel)  # type: ignore[no-untyped-call]
        self.audit = record_pb2_grpc.AuditStub(self._channel)  # type: ignore[no-untyped-call]
        self.recordings = record_pb2_grpc.RecordingsStub(self._channel)  # type: ignore[no-untyped-call]

    async def call(self, method: Callable[..., Any], request: Any, *, timeout: float = 10.0) -> Any:
        """One unary call; raises the ProctorError that the server raised, or Unavailable.

        The first call also raises IncompatibleVersion when the auth service is too old for this client.
        """
        try:
            try:
                return await self._attempt(method, request, timeout)
            except grpc.RpcError as error:
                if not _is_refusal(error) or not await self._connects(RECONNECT_SECONDS):
                    raise
            return await self._attempt(method, request, timeout)
        except grpc.RpcError as error:
            raise translated(error, self.address) from None
        except grpc.aio.UsageError:
            raise Unavailable("the connection to the Auth Service was closed") from None

    async def _attempt(self, method: Callable[..., Any], request: Any, timeout: float) -> Any:
        call = method(request, timeout=timeout)
        if self._check_server:
            await self._check_version_of(call)
        answer = await call
        _log.debug("%s at %s answered", _name(method), self.address)
        return answer

    async def _connects(self, seconds: float) -> bool:
        """Is there a connection within ``seconds``? An auth service that is replaced is away for a moment."""
        try:
            async with asyncio.timeout(seconds):
                while (state := self._channel.get_state(True)) is not grpc.ChannelConnectivity.READY:
                    await self._channel.wait_for_state_change(state)
        except TimeoutError:
            return False
        return True

    async def _check_version_of(self, call: Any) -> None:
        version = dict(await call.initial_metadata()).get(VERSION_KEY)
        if version is None:
            return
        try:
            check_auth_server(str(version), client=self._version)
        except IncompatibleVersion:
            call.cancel()
            raise
        self._check_server = False

    async def ping(self) -> auth_pb2.PingResponse:
        """Ask for the server's identity; raises as :meth:`call`."""
        answer: auth_pb2.PingResponse = await self.call(self.auth.Ping, auth_pb2.PingRequest())
        return answer

    async def close(self) -> None:
        """Close the channel; calls under way are cancelled."""
        await self._channel.close(None)


def _is_refusal(error: grpc.RpcError) -> bool:
    """Did the call not get anywhere, since nothing listened?"""
    return (
        isinstance(error, grpc.aio.AioRpcError)
        and error.code() is grpc.StatusCode.UNAVAILABLE
        and "refused" in (error.details() or "").lower()
    )


def _name(method: Callable[..., Any]) -> str:
    """The name of an RPC, for logs: grpc keeps it as bytes in a private attribute."""
    return bytes(getattr(method, "_method", b"an RPC")).decode(errors="replace")


def fetch_authorities_tls(address: str, *, default_port: int = 3025) -> bytes:
    """The CA certificates (PEM) that the auth service at ``address`` presents, unverified: compare their pin.

    Blocking. Raises Unavailable when there is no answer in TLS.
    """
    host, port = split_address(address, default_port)
    try:
        with socket.create_connection((host, port), HANDSHAKE_SECONDS) as plain:
            plain.settimeout(None)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(HANDSHAKE_SECONDS))
            return _presented_chain(plain)
    except (OSError, SSL.Error) as error:
        reason = connection_failure(error)
        raise Unavailable(f"the Auth Service at {address} cannot be reached: {reason}") from None


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return whole.to_bytes(8, "little") + int((seconds - whole) * 1e6).to_bytes(8, "little")


def _presented_chain(plain: socket.socket) -> bytes:
    key, certificate = anonymous.key_and_certificate()
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_alpn_protos([b"h2"])
    context.use_privatekey(tls.load_key(key))
    context.use_certificate(tls.load_certificate(certificate))
    connection = SSL.Connection(context, plain)
    connection.set_tlsext_host_name(tls.SERVER_NAME.encode())
    connection.set_connect_state()
    connection.do_handshake()
    chain = connection.get_peer_cert_chain(as_cryptography=True) or []
    if len(chain) < 2:
        raise Unavailable("the server presented no CA certificate; it is not an Auth Service")
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain[1:])


async def join(
    address: str, ca_pins: Sequence[str], request: auth_pb2.RegisterHostRequest, *, version: str = VERSION
) -> auth_pb2.HostCredentials:
    """Register a host at ``address``, trusting only a cluster whose CA has one of ``ca_pins``.

    Without pins the cluster is trusted on first sight, with a warning. Raises AccessDenied when no
    pin fits or the token is refused, Unavailable when there is no answer.
    """
    authorities = await _threads.run(fetch_authorities_tls, address)
    presented = tls.ca_pins(authorities)
    if not ca_pins:
        _log.warning("joining %s without a CA pin: the identity of the cluster is not verified", address)
    elif not set(presented) & set(ca_pins):
        raise AccessDenied(
            f"the cluster at {address} has the CA pin {', '.join(presented)}, expected {', '.join(ca_pins)}",
            hint="Compare with the CA pin of `tctl status` on the Auth Service host.",
        )
    else:
        authorities = tls.pinned(authorities, ca_pins)
    client = Client(address, None, authorities=authorities, version=version)
    try:
        credentials: auth_pb2.HostCredentials = await client.call(client.join.RegisterHost, request)
        return credentials
    finally:
        await client.close()
