# SPDX-License-Identifier: Apache-2.0
"""The auth service: composed, started, stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import grpc

from proctor.audit.search.pool import Searches
from proctor.auth.ca import CertificateAuthorities
from proctor.auth.cluster import Cluster
from proctor.auth.credentials import CredentialStore
from proctor.auth.document_store import Documents
from proctor.auth.hosts.policy import HostNamePolicy
from proctor.auth.hosts.registry import HostRegistry
from proctor.auth.housekeeping.retention import Retention
from proctor.auth.housekeeping.rounds import Housekeeping
from proctor.auth.housekeeping.usage import Usage, usage
from proctor.auth.ingest.recordings import RecordingIndexer, SearchableLog
from proctor.auth.ingest.sessions import SessionRegistry
from proctor.auth.presets import FORMER_SPECS, PRESETS
from proctor.auth.revocation.callers import Admission
from proctor.auth.revocation.restrictions import Restrictions
from proctor.auth.rpc.auth import AuthServicer
from proctor.auth.rpc.joining import JoinService
from proctor.auth.rpc.record import AuditService, RecordingService
from proctor.auth.rpc_access import TABLE
from proctor.auth.settings import AuthSettings
from proctor.auth.tokens import Tokens
from proctor.core import probes
from proctor.core.clock import SYSTEM, Clock
from proctor.core.errors import AlreadyExists, Corrupted, NotFound
from proctor.core.limits.attempts import AttemptLog
from proctor.core.tasks import TaskSet
from proctor.model.identity import HostIdentity, SystemRole
from proctor.recording.archive import Archive
from proctor.recording.table import RecordingTable
from proctor.rpc import tls
from proctor.rpc._pb import auth_pb2_grpc, record_pb2_grpc
from proctor.rpc.grpc_server import ActiveCalls, add_port, make_server
from proctor.rpc.identity_files import Credentials, IdentityFiles
from proctor.storage.base import Backend

RETIRE_SECONDS = 5.0
"""How long calls under way may take to be answered when the service is replaced."""

_LONGEST_STREAM = 30 * 86400.0
"""Seconds for which a replaced service goes on with the streams of recordings that it had."""

_LISTEN_ATTEMPTS, _LISTEN_PAUSE = 10, 0.05
_log = logging.getLogger(__name__)


class AuthServer:
    """One auth service over a backend, a log and an archive, which it closes at the end."""

    def __init__(
        self,
        settings: AuthSettings,
        backend: Backend,
        log: SearchableLog,
        archive: Archive,
        clock: Clock = SYSTEM,
    ) -> None:
        self._settings = settings
        self._backend = backend
        self._log = log
        self._searches = Searches(log)
        table = RecordingTable(log.index_path.with_name("recordings.sqlite"))
        self._recordings = RecordingIndexer(table, archive, log, self._searches, clock)
        self._clock = clock
        path = log.index_path.with_name("retention.json")
        self._retention = Retention(path, settings.retention, log, self._recordings, clock)
        self._housekeeping = Housekeeping(log, self._retention, self._measure)
        self._usage = Usage()
        self._server: grpc.aio.Server | None = None
        self._accounts: CredentialStore | None = None
        self._calls = ActiveCalls()
        self._released = False
        self._ending: asyncio.Task[None] | None = None
        self._tasks = TaskSet("auth")
        # Emitted once a minute at most, so the loop may wait for the disk.
        self._attempts = AttemptLog(log.append_own, clock)
        self._stopped = False
        self._port = 0

    async def start(self) -> int:
        """Make what a first start makes, listen, and return the port.

        Raises OSError when the address is taken, ProctorError when the state does not fit the settings.
        """
        authorities = await CertificateAuthorities.open(
            self._backend, self._settings.cluster_name, self._clock
        )
        documents = Documents(self._backend)
        await _add_presets(documents)
        restrictions = Restrictions(self._backend, documents, self._clock)
        await restrictions.load()
        self._accounts = CredentialStore(self._backend, documents, self._clock)
        credentials = self._save_identities(authorities)
        cluster = Cluster(
            settings=self._settings,
            documents=documents,
            authorities=authorities,
            restrictions=restrictions,
            accounts=self._accounts,
            tokens=Tokens(self._backend, documents, self._settings.static_tokens, self._clock),
            log=self._log,
            searches=self._searches,
            hosts=HostNamePolicy(
                self._settings, documents, HostRegistry(self._backend, self._clock), self._clock
            ),
            sessions=SessionRegistry(self._backend, self._recordings.archive.owner, self._clock),
            recordings=self._recordings,
            retention=self._retention,
            housekeeping=self._housekeeping,
            attempts=self._attempts,
            clock=self._clock,
        )
        self._server = self._make_server(cluster)
        port = await _listen(self._server, self._settings.listen_address, credentials)
        await self._server.start()
        self._port = port
        self._searches.start()
        self._recordings.start()
        self._housekeeping.start()
        return port

    def _make_server(self, cluster: Cluster) -> grpc.aio.Server:
        """The gRPC server with all services, not listening yet."""
        authorities = cluster.authorities
        server = make_server(
            lambda: (authorities.host_tls_ca, authorities.user_tls_ca),
            TABLE,
            self._clock,
            self._calls,
            Admission(cluster.restrictions),
        )
        auth_pb2_grpc.add_JoinServicer_to_server(JoinService(cluster), server)  # type: ignore[no-untyped-call]
        auth_pb2_grpc.add_AuthServicer_to_server(AuthServicer(cluster), server)  # type: ignore[no-untyped-call]
        record_pb2_grpc.add_AuditServicer_to_server(AuditService(cluster), server)  # type: ignore[no-untyped-call]
        record_pb2_grpc.add_RecordingsServicer_to_server(RecordingService(cluster), server)  # type: ignore[no-untyped-call]
        return server

    async def probe(self, host: str, log: Path) -> Mapping[str, str]:
        """What keeps calls to ``host``, our address, from being served, by name; empty when ready.

        ``log``: directory of the audit log.
        """
        return await probes.problems(
            {
                "state": self._probe_state,
                "log": lambda: probes.writable(log),
                "rpc": lambda: probes.speaks_tls(self._port, host),
            }
        )

    def _measure(self) -> None:
        self._usage = usage(self._log, self._recordings)

    def status(self) -> Mapping[str, int]:
        """Return the disk use, as in ``usage.Usage.numbers``; some minutes old at most."""
        return self._usage.numbers

    async def _probe_state(self) -> None:
        await self._backend.get("probe")

    def _save_identities(self, authorities: CertificateAuthorities) -> Credentials:
        settings = self._settings
        own = HostIdentity(
            host_id=settings.host_uuid,
            role=SystemRole.AUTH,
            node_name=settings.node_name,
            cluster=settings.cluster_name,
        )
        names = (tls.SERVER_NAME, f"auth.{settings.cluster_name}.cluster.local", "localhost", "127.0.0.1")
        admin = HostIdentity(host_id=settings.host_uuid, role=SystemRole.ADMIN, cluster=settings.cluster_name)
        _identity(settings.admin_identity, authorities, admin, ())
        return _identity(settings.own_identity, authorities, own, (*names, *settings.names))

    async def retire(self) -> None:
        """Take no further calls, answer those under way, and release state and log for a successor.

        Streams of recordings go on, see ``finished``: they need neither.
        """
        if self._server is not None:
            self._calls.close()
            self._ending = self._tasks.spawn(self._server.stop(_LONGEST_STREAM), name="end of calls")
        if not await self._calls.answered(RETIRE_SECONDS):
            _log.warning("calls that take longer than %g s are broken off", RETIRE_SECONDS)
        await self._release()

    async def finished(self) -> None:
        """Return when the last call has ended."""
        if self._ending is not None:
            await self._ending

    async def stop(self, grace: float = 5.0) -> None:
        """Refuse new calls, let those under way end within ``grace`` seconds, close state and log; once."""
        if self._stopped:
            return
        self._stopped = True
        if self._server is not None:
            await self._server.stop(grace)
        await self._tasks.close()
        await self._release()

    async def _release(self) -> None:
        if self._released:
            return
        self._released = True
        await self._housekeeping.close()
        await self._recordings.close()
        self._attempts.flush()
        await self._searches.close()
        if self._accounts is not None:
            self._accounts.close()
        self._log.close()
        await self._backend.close()


async def _listen(server: grpc.aio.Server, address: str, credentials: Credentials) -> int:
    """Listen; a predecessor that was replaced may need a moment to let go of the address."""
    for _ in range(_LISTEN_ATTEMPTS):
        try:
            return add_port(server, address, credentials)
        except OSError:
            await asyncio.sleep(_LISTEN_PAUSE)
    return add_port(server, address, credentials)


def _identity(
    directory: Path, authorities: CertificateAuthorities, identity: HostIdentity, names: Sequence[str]
) -> Credentials:
    """The identity saved in ``directory``, replaced only when it must be: tctl may be reading it."""
    with suppress(NotFound, Corrupted):
        kept = IdentityFiles.load(directory)
        if authorities.still_vouches(kept, identity, names):
            return kept
    fresh = authorities.own_credentials(identity, names)
    IdentityFiles.save(directory, fresh)
    return fresh


async def _add_presets(documents: Documents) -> None:
    for role in PRESETS:
        kept = await documents.roles.find(role.metadata.name)
        if kept is None:
            with suppress(AlreadyExists):
                await documents.roles.create(role)
        elif kept.spec in FORMER_SPECS:
            await documents.roles.put(role)
