# SPDX-License-Identifier: Apache-2.0
"""Interceptor of every RPC: identity, version and access of the caller."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import grpc

from proctor.core.clock import Clock
from proctor.core.errors import AccessDenied, BadRequest, LimitExceeded, ProctorError, Unauthenticated
from proctor.core.net import host_of
from proctor.core.tasks import TaskSet
from proctor.core.version import VERSION, check_client
from proctor.model.identity import HostIdentity, Identity, UserIdentity
from proctor.model.rbac.locks import Certificate
from proctor.rpc import anonymous, tls
from proctor.rpc.auth_client import MAX_MESSAGE, VERSION_KEY
from proctor.rpc.budget import CALLS_PER_HOLDER, CallBudget
from proctor.rpc.grpc_status import status_of, trailers
from proctor.rpc.identity_files import Credentials

ANONYMOUS, USER = "anonymous", "user"
AccessTable = Mapping[str, frozenset[str]]
"""``/proctor.v1.Auth/Ping`` to the callers it serves: anonymous, user, or a host's role."""

MAX_REQUEST = 2 << 20
"""Bytes of the longest message taken: a batch of events and one of the largest."""

MAX_CONNECTIONS = 4096
"""Connections at one time, each some 60 KB; one without a call is closed after 20 seconds: hosts
send a heartbeat each 15."""

STREAM_SECONDS = 600.0
"""After which a connection takes no further calls, and a stream of requests ends: clients connect again."""

_CACHED_IDENTITIES = 4096
_log = logging.getLogger(__name__)

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_REQUEST),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 20_000),
    ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
    ("grpc.max_concurrent_streams", CALLS_PER_HOLDER),
    ("grpc.max_metadata_size", 8 << 10),
    ("grpc.absolute_max_metadata_size", 16 << 10),
    ("grpc.max_connection_age_ms", int(STREAM_SECONDS * 1000)),
]


ANY_CERTIFICATE = Certificate(0, datetime.max.replace(tzinfo=UTC))
"""One that nothing revokes."""


@dataclass(frozen=True)
class Caller:
    """The maker of the current call: identity, address (``host:port``) and certificate."""

    identity: Identity
    address: str
    certificate: Certificate = ANY_CERTIFICATE

    @property
    def host(self) -> str:
        """The address without its port."""
        return host_of(self.address)

    @property
    def kind(self) -> str:
        """``anonymous``, ``user`` or the host's role, as in the access table."""
        if isinstance(self.identity, HostIdentity):
            return self.identity.role.value
        return USER if isinstance(self.identity, UserIdentity) else ANONYMOUS


Admit = Callable[[str, Caller], None]
"""Raises when a caller may not call a method although the access table says so; called often."""

_current: contextvars.ContextVar[Caller] = contextvars.ContextVar("caller")


def caller() -> Caller:
    """The caller of the RPC being served."""
    return _current.get()


class ActiveCalls:
    """The calls that a server is answering, so that it can end without breaking one off.

    A call counts until its answer; one that streams answers only, until the first of them. Streams of
    requests, which never end by themselves, end where ``close`` finds them: their clients go on elsewhere.
    """

    def __init__(self, stream_seconds: float = STREAM_SECONDS) -> None:
        self._stream_seconds = stream_seconds
        self._number = 0
        self._none = asyncio.Event()
        self._none.set()
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End the streams of requests, present and future, behind the request being answered."""
        self._closing.set()

    async def answered(self, seconds: float) -> bool:
        """Wait until no call counts; False when ``seconds`` passed first."""
        try:
            await asyncio.wait_for(self._none.wait(), seconds)
        except TimeoutError:
            return False
        return True

    @contextlib.contextmanager
    def counted(self) -> Iterator[Callable[[], None]]:
        """Count a call inside the block, or until the function that is given is called."""
        self._number += 1
        self._none.clear()
        with contextlib.ExitStack() as stack:
            stack.callback(self._end)
            yield stack.close

    def _end(self) -> None:
        self._number -= 1
        if not self._number:
            self._none.set()

    async def requests(self, received: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """What the client streams, until ``close``, and for ``stream_seconds`` at most.

        A client that streams is to connect again now and then: it may be behind a proxy that was replaced,
        and which ends with the last of its connections.
        """
        tasks = TaskSet("requests")
        closing = tasks.spawn(self._closing.wait(), name="closing")
        ends = asyncio.get_running_loop().time() + random.uniform(0.5, 1.0) * self._stream_seconds  # noqa: S311
        try:
            while (left := ends - asyncio.get_running_loop().time()) > 0:
                following = tasks.spawn(_next(received), name="next")
                await asyncio.wait({following, closing}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if not following.done() or (found := following.result()) is None:
                    return
                yield found
        finally:
            await tasks.close()


async def _next(received: AsyncIterator[Any]) -> Any:
    return await anext(received, None)


class AuthInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Identity, version and access of each call; ProctorErrors become statuses, all else INTERNAL."""

    def __init__(
        self,
        authorities: Callable[[], tuple[bytes, bytes]],
        table: AccessTable,
        clock: Clock,
        calls: ActiveCalls,
        admit: Admit = lambda _method, _caller: None,
    ) -> None:
        self._calls = calls
        self._check = admit
        self._authorities = authorities
        self._table = table
        self._clock = clock
        self._known: dict[bytes, tls.Leaf] = {}
        self._budget = CallBudget()

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        """Wrap the handler of one method.

        To us every request is a stream: so a call is admitted before a byte of its message is taken.
        """
        handler = await continuation(details)
        if handler is None:
            return None
        serve = self._streaming if handler.response_streaming else self._unary
        make = _HANDLERS[handler.response_streaming]
        behaviour = (
            handler.stream_stream or handler.stream_unary or handler.unary_stream or handler.unary_unary
        )
        return make(
            serve(details.method, behaviour, many=handler.request_streaming),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, method: str, behaviour: Callable[..., Any], *, many: bool) -> Callable[..., Any]:
        async def serve(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                with self._admit(method, context) as current:
                    request = requests if many else await self._only(requests, current)
                    # Not for streams: sent apart from a status it let grpcio's clients lose that status.
                    await context.send_initial_metadata(((VERSION_KEY, VERSION),))
                    with self._calls.counted():
                        return await behaviour(request, context)
            except Exception as error:  # noqa: BLE001  # the edge of the process
                await _abort(context, method, error)

        return serve

    def _streaming(self, method: str, behaviour: Callable[..., Any], *, many: bool) -> Callable[..., Any]:
        async def serve(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            try:
                with self._admit(method, context) as current:
                    request = self._calls.requests(requests) if many else await self._only(requests, current)
                    with self._calls.counted() as answered:
                        async for response in behaviour(request, context):
                            if not many:
                                answered()
                            self._check(method, current)
                            yield response
            except Exception as error:  # noqa: BLE001  # the edge of the process
                await _abort(context, method, error)

        return serve

    async def _only(self, requests: Any, current: Caller) -> Any:
        """The message of a call that has one."""
        try:
            async with self._budget.arrival(current.identity):
                return await anext(aiter(requests))
        except StopAsyncIteration:
            raise BadRequest("the call came without its request") from None
        except TimeoutError:
            raise LimitExceeded("the request took too long to arrive") from None

    @contextlib.contextmanager
    def _admit(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> Iterator[Caller]:
        current = self._caller(method, context)
        with self._budget.call(current.identity, current.host):
            yield current

    def _caller(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> Caller:
        leaf = self._identify(context)
        current = Caller(leaf.identity, _address(context.peer()), Certificate(leaf.serial, leaf.issued))
        metadata = dict(context.invocation_metadata() or ())
        check_client(str(metadata.get(VERSION_KEY, "")), server=VERSION, what=f"{current.kind} client")
        if current.kind not in self._table.get(method, frozenset()):
            if current.kind == ANONYMOUS:
                raise Unauthenticated(
                    "this call needs a certificate of the cluster", hint="Log in with: tsh login"
                )
            raise AccessDenied(f"a caller of kind {current.kind} may not call {method.rsplit('/', 1)[-1]}")
        self._check(method, current)
        _current.set(current)
        return current

    def _identify(self, context: grpc.aio.ServicerContext[Any, Any]) -> tls.Leaf:
        certificates = list(context.auth_context().get("x509_pem_cert", ()))
        if len(certificates) != 1:
            raise Unauthenticated("the call came without a client certificate")
        digest = hashlib.sha256(certificates[0]).digest()
        known = self._known.get(digest)
        if known is None or self._clock.now() >= known.valid_before:
            host_ca, user_ca = self._authorities()
            known = tls.identify(certificates[0], host_ca=host_ca, user_ca=user_ca, now=self._clock.now())
            if len(self._known) >= _CACHED_IDENTITIES:
                self._known.clear()
            self._known[digest] = known
        return known


_HANDLERS = {
    False: grpc.stream_unary_rpc_method_handler,
    True: grpc.stream_stream_rpc_method_handler,
}


async def _abort(context: grpc.aio.ServicerContext[Any, Any], method: str, error: Exception) -> None:
    if isinstance(error, ProctorError):
        await context.abort(status_of(error), error.message, trailers(error))
    if isinstance(error, grpc.aio.AbortError):
        raise error
    _log.error("%s failed", method, exc_info=error)
    await context.abort(
        grpc.StatusCode.INTERNAL, "internal error; the log of the Auth Service has the details"
    )


def _address(peer: str) -> str:
    family, _, address = unquote(peer).partition(":")
    return address if family in {"ipv4", "ipv6"} else peer


def make_server(
    authorities: Callable[[], tuple[bytes, bytes]],
    table: AccessTable,
    clock: Clock,
    calls: ActiveCalls | None = None,
    admit: Admit = lambda _method, _caller: None,
) -> grpc.aio.Server:
    """A gRPC server that asks every client for a certificate; ``authorities`` gives host and user CA (PEM).

    The caller adds services, and the port with :func:`add_port`. ``calls`` follows the calls; ``admit`` is
    asked before each call and each message of an answer.
    """
    guard = AuthInterceptor(authorities, table, clock, calls or ActiveCalls(), admit)
    return grpc.aio.server(interceptors=[guard], options=_OPTIONS)


def add_port(server: grpc.aio.Server, address: str, credentials: Credentials) -> int:
    """Listen on ``address`` (port 0: any) and return the port; raises OSError when it is taken."""
    authorities = credentials.authorities
    chain = credentials.tls_certificate + authorities.host_tls_ca
    tls_credentials = grpc.ssl_server_credentials(
        [(credentials.tls_key, chain)],
        root_certificates=authorities.host_tls_ca + authorities.user_tls_ca + anonymous.authority(),
        require_client_auth=True,
    )
    try:
        port: int = server.add_secure_port(address, tls_credentials)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: {error}") from None
    if port == 0:
        raise OSError(f"cannot listen on {address}: the address is in use or not of this host")
    return port
