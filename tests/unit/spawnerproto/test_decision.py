# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proctor.config.schema import Command, EnhancedRecording, RecordingMinimum, SshService
from proctor.core.errors import AccessDenied
from proctor.model.access import SessionOptions
from proctor.model.bundle import MAX_STALENESS, make_bundle
from proctor.model.identity import UserIdentity
from proctor.model.rbac.locks import revoke
from proctor.model.resources import Lock, LockSpec, LockTarget, Metadata, RecordSession, RoleOptions
from proctor.spawnerproto.decision import HostPolicy, check_kind, decide
from proctor.spawnerproto.messages import Endpoint, Spawn
from proctor.sshkit.certs import VerifiedUser
from testing.node import role

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
ALICE = UserIdentity(username="alice", roles=("access",), logins=("root",), cluster="purple")


def user(identity: UserIdentity = ALICE, serial: int = 1) -> VerifiedUser:
    return VerifiedUser(
        identity=identity,
        key_id=identity.username,
        principals=identity.logins,
        issued=NOW - timedelta(minutes=1),
        valid_before=NOW + timedelta(hours=1),
        serial=serial,
        fingerprint="",
        permits=frozenset(),
    )


def options_of(options: RoleOptions, *, policy: HostPolicy) -> SessionOptions:
    bundle = make_bundle("h", "purple", [role("access", logins=["root"], options=options)], NOW)
    return decide(bundle, policy, user(), "root", {"any": "label"}, now=NOW)


def policy(minimum: RecordingMinimum | None = None, **section: Any) -> HostPolicy:
    recording = EnhancedRecording(enabled=True, minimum=minimum or RecordingMinimum())
    return HostPolicy.of(SshService(enhanced_recording=recording, **section))


@pytest.mark.parametrize(
    ("asked", "minimum", "recorded"),
    [
        ([], [], ()),
        (["disk"], [], ("disk",)),
        ([], ["network", "command"], ("command", "network")),
        (["disk", "command"], ["command"], ("command", "disk")),
    ],
)
def test_no_less_is_recorded_than_the_host_wants(
    asked: list[Any], minimum: list[Any], recorded: tuple[str, ...]
) -> None:
    found = options_of(RoleOptions(enhanced_recording=asked), policy=policy(RecordingMinimum(events=minimum)))

    assert found.enhanced_recording == recorded


@pytest.mark.parametrize(
    ("asked", "minimum", "strict"),
    [("best_effort", "best_effort", False), ("strict", "best_effort", True), ("best_effort", "strict", True)],
)
def test_the_stricter_mode_holds(asked: Any, minimum: Any, strict: bool) -> None:
    options = RoleOptions(record_session=RecordSession(default=asked))

    assert options_of(options, policy=policy(RecordingMinimum(mode=minimum))).strict_recording is strict


def test_labels_of_commands_are_the_only_ones_reported() -> None:
    host = policy(labels={"env": "prod"}, commands=[Command(name="load", command=["true"])])

    assert host.all_labels({}) == {"env": "prod", "load": ""}
    assert host.all_labels({"load": "high", "env": "dev", "team": "x"}) == {"env": "prod", "load": "high"}


def test_other_clusters_and_logins() -> None:
    bundle = make_bundle("h", "yellow", [role("access", logins=["root"])], NOW)
    with pytest.raises(AccessDenied, match="the certificate is for cluster purple"):
        decide(bundle, policy(), user(), "root", {}, now=NOW)

    bundle = make_bundle("h", "purple", [role("access", logins=["root"], env="dev")], NOW)
    with pytest.raises(AccessDenied, match="no role of user alice allows access to this node"):
        decide(bundle, policy(), user(), "root", {"env": "prod"}, now=NOW)
    with pytest.raises(AccessDenied, match="allows login daemon"):
        decide(bundle, policy(), user(), "daemon", {"env": "dev"}, now=NOW)


@pytest.mark.parametrize(
    ("section", "options", "request_", "reason"),
    [
        ({"port_forwarding": False}, {}, "forward", "port forwarding is not allowed"),
        ({}, {"port_forwarding": False}, "forward", "port forwarding is not allowed"),
        ({"ssh_file_copy": False}, {}, "sftp", "copying files is not allowed"),
        ({}, {"ssh_file_copy": False}, "sftp", "copying files is not allowed"),
        ({}, {"ssh_file_copy": False}, "scp", "copying files is not allowed"),
        ({"ssh_file_copy": False, "port_forwarding": False}, {}, "shell", ""),
    ],
)
def test_kinds_of_sessions(
    section: dict[str, Any], options: dict[str, Any], request_: str, reason: str
) -> None:
    sid = str(uuid.uuid4())
    requests = {
        "forward": Spawn(sid=sid, kind="forward", target=Endpoint(addr="::1", port=1)),
        "sftp": Spawn(sid=sid, kind="sftp"),
        "scp": Spawn(sid=sid, kind="exec", command=b"scp -f x"),
        "shell": Spawn(sid=sid, kind="shell"),
    }
    host = policy(**section)
    found = options_of(RoleOptions(**options), policy=host)
    if not reason:
        check_kind(host, found, requests[request_])
        return
    with pytest.raises(AccessDenied, match=reason):
        check_kind(host, found, requests[request_])


def a_lock(**target: str) -> Lock:
    spec = LockSpec(target=LockTarget(**target), message="see me")
    return Lock(metadata=Metadata(name="one"), spec=spec)


@pytest.mark.parametrize(
    ("restrictions", "reason"),
    [
        ({"locks": [a_lock(user="alice")]}, 'lock targeting User:"alice" is in force: see me'),
        ({"locks": [a_lock(login="root", user="alice")]}, 'User:"alice" Login:"root" is in force'),
        ({"locks": [a_lock(server_id="h")]}, 'ServerID:"h" is in force'),
        ({"locks": [a_lock(node="worker")]}, 'Node:"worker" is in force'),
        ({"revocations": [revoke("alice", [1], NOW, NOW)]}, "the certificate has been revoked"),
        ({"removed_hosts": ["h"]}, "this host was removed from the cluster"),
        ({"locks": [a_lock(user="bob"), a_lock(login="daemon"), a_lock(server_id="i")]}, ""),
        (
            {"revocations": [revoke("alice", [2], NOW - timedelta(minutes=2), NOW)], "removed_hosts": ["i"]},
            "",
        ),
    ],
)
def test_locks_and_revocations_come_first(restrictions: dict[str, Any], reason: str) -> None:
    bundle = make_bundle("h", "purple", [role("access", logins=["root"])], NOW, **restrictions)
    host = HostPolicy.of(SshService(), "worker")
    if not reason:
        decide(bundle, host, user(), "root", {}, now=NOW)
        return
    with pytest.raises(AccessDenied, match=reason):
        decide(bundle, host, user(), "root", {}, now=NOW)


@pytest.mark.parametrize("by", ["cluster", "role"])
def test_strict_mode_refuses_by_a_list_that_is_old(by: str) -> None:
    """How old it is, the auth service has signed."""
    strict = role("access", logins=["root"], options=RoleOptions(lock="strict"))
    lax = role("access", logins=["root"])
    bundle = (
        make_bundle("h", "purple", [lax], NOW, locking_mode="strict")
        if by == "cluster"
        else make_bundle("h", "purple", [strict], NOW)
    )
    decide(bundle, policy(), user(), "root", {}, now=NOW + MAX_STALENESS)
    later = NOW + MAX_STALENESS + timedelta(seconds=1)
    with pytest.raises(AccessDenied, match="list of locks is out of date"):
        decide(bundle, policy(), user(), "root", {}, now=later)
    decide(make_bundle("h", "purple", [lax], NOW), policy(), user(), "root", {}, now=later)
    other = role("other", logins=["root"], options=RoleOptions(lock="strict"))
    decide(make_bundle("h", "purple", [lax, other], NOW), policy(), user(), "root", {}, now=later)
