# SPDX-License-Identifier: Apache-2.0
"""What a host may say, of which session, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace as changed

from proctor.auth.ingest.attestations import Trusted
from proctor.auth.ingest.batch import Admitted, Emitter, NumberedEvents
from proctor.auth.ingest.sessions import REMEMBERED, SessionRecord
from proctor.core.clock import format_time
from proctor.model.identity import HostIdentity, SystemRole
from proctor.model.stamp import stamped, to_line
from proctor.spawnerproto.attestation import LoginProof
from proctor.sshkit import certs, keys
from testing.attacker import Victim
from testing.attestations import CLIENT, HostSigner, certified_user

NOW = datetime(2023, 7, 4, 16, 42, 20, tzinfo=UTC)
HOST, OTHER = str(uuid4()), str(uuid4())
SID, SECOND = str(uuid4()), str(uuid4())
UID_KEY = bytes(range(16))
SOURCE = f"node/{HOST}/0011"
CA, HOST_CA = keys.generate(), keys.generate()
OWN = {SID: SessionRecord(host_id=HOST, started=format_time(NOW), user="alice", login="root")}


def emitter(role: SystemRole = SystemRole.NODE, **fields: Any) -> Emitter:
    identity = HostIdentity(host_id=HOST, role=role, node_name="web-1", cluster="purple")
    trusted = Trusted([CA[1]], [HOST_CA[1]])
    named: dict[str, Any] = {"hostnames": frozenset({"web-1"}), "now": NOW, "source": SOURCE}
    named |= {"trusted": trusted, **fields}
    return Emitter(identity=identity, **named)


def event(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    made = {"event": name, "code": kind, "server_id": HOST, "sid": SID, "user": "alice", "login": "root"}
    return {**made, "namespace": "default", "server_hostname": "web-1", **fields}


def disk(**fields: Any) -> dict[str, Any]:
    kernel = {"path": "/etc/passwd", "flags": 0, "return_code": 3, "cgroup_id": 7, "pid": 5, "program": "cat"}
    return event("session.disk", "T4001I", **{**kernel, **fields})


def start(**fields: Any) -> dict[str, Any]:
    return event("session.start", "T2000I", size="80:25", **fields)


def end(**fields: Any) -> dict[str, Any]:
    made = {"enhanced_recording": True, "interactive": True, "participants": ["alice"]}
    return event("session.end", "T2004I", **{**made, **fields})


def auth(**fields: Any) -> dict[str, Any]:
    return event("auth", "T3007W", **{"sid": "", "success": False, "error": "no", **fields})


def host(host_id: str = HOST, role: str = "node", moment: datetime = NOW, ca: bytes = b"") -> HostSigner:
    """A host that joined at ``moment``."""
    private, public = keys.generate()
    certificate = certs.issue_host_certificate(
        ca or HOST_CA[0],
        public,
        key_id="host",
        principals=[host_id],
        now=moment,
        valid_before=moment + timedelta(days=365),
        role=role,
    )
    return HostSigner(host_id, private, certificate)


def attestation(*, by: HostSigner | None = None, moment: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """alice starts the session SECOND as root."""
    user = certified_user(CA[0], "alice", ["root", "ubuntu"], now=moment)
    arguments: dict[str, Any] = {"moment": moment, **changes}
    return (by or host(moment=moment)).attestation(SECOND, user, "alice", **arguments)


def lines(*events: Mapping[str, Any]) -> bytes:
    """In their final form, as a spool has them, without empty fields."""
    given = [
        {key: value for key, value in fields.items() if value != "" and value is not None}
        for fields in events
    ]
    return b"".join(to_line(stamped(fields, NOW, "purple")) for fields in given)


def admit(
    *events: Mapping[str, Any],
    known: Mapping[str, SessionRecord] = OWN,
    by: Emitter | None = None,
    pretty: bool = False,
) -> Admitted:
    """The decision; ``pretty``: not in the form that is checked by compiled code."""
    raw = lines(*events)
    if pretty:
        raw = b"".join(json.dumps(json.loads(line)).encode() + b"\n" for line in raw.splitlines())
    return NumberedEvents(raw, 1, by or emitter(), UID_KEY).admitted(known)


def reasons(admitted: Admitted) -> list[str]:
    found = map(json.loads, admitted.lines.splitlines())
    return [fields["reason"] for fields in found if fields["event"] == "audit.gap"]


@pytest.mark.parametrize("pretty", [False, True])
def test_events_of_a_session_of_its_own(pretty: bool) -> None:
    admitted = admit(disk(), disk(path="/x"), pretty=pretty)
    assert reasons(admitted) == []
    assert admitted.changed == {}
    assert (admitted.summary is None) is pretty
    assert admitted.lines.count(b"\n") == 2


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (disk(server_id=None), "without server_id"),
        (disk(server_id=OTHER), "claims to come from server"),
        (disk(sid=None), "is a session.disk of no session"),
        (disk(sid=SECOND), "which has no attestation"),
        (start(sid=SECOND), "which has no attestation"),
        (event("session.loss", "TP4900W", lost={}, sid=SECOND), "which has no attestation"),
        (event("exec", "T3002I", exitCode="0", sid=SECOND), "which has no attestation"),
        (event("sftp", "TS020E", action=1, error="no", sid=SECOND), "which has no attestation"),
        (event("scp", "T3010E", action="upload", exitCode="0", sid=None, server_id=OTHER), "from server"),
        (disk(sid="x"), "sid that is not a UUID"),
        (disk(sid=SID.upper()), "sid that is not a UUID"),
        (disk(user="bob"), "names the user 'bob'"),
        (disk(login="ubuntu"), "names the login 'ubuntu'"),
        (disk(server_hostname="web-2"), "a host called 'web-2'"),
        (disk(user="al\u202eice"), "user that is too long or not printable"),
        (disk(user="\u200balice"), "not printable"),
        (disk(login="r" * 300), "too long or not printable"),
        (disk(uid="u1"), "uid that is not a UUID"),
        (disk(code="T4000I"), "with the code 'T4000I'"),
        (disk(flags="0"), "wrong type"),
        (disk(flags=True), "wrong type"),
        (disk(flags=1.5), "wrong type"),
        (disk(path=None), "without path"),
        (disk(path=["x"]), "wrong type"),
        (disk(detached="yes"), "wrong type"),
        (disk(delegated={"daemon": 5}), "wrong type"),
        (disk(truncated="path"), "truncated is not a list"),
        (disk(clutter=1), "the unknown field 'clutter'"),
        (disk(cluster_name="green"), "claims to come from cluster"),
        (disk(time=format_time(NOW + timedelta(hours=1))), "is 1:00:00 ahead"),
        (disk(time="2099-01-01T00:00:00Z"), "ahead; check the clock"),
        (disk(time=format_time(NOW - timedelta(hours=1))), "before the start of session"),
        (auth(sid=SID), "about a connection and names session"),
        (auth(server_hostname="web-2"), "a host called 'web-2'"),
        (event("user.login", "T1000I"), "of a kind that a node does not emit"),
        (event("session.join", "T2001I"), "of a kind that a node does not emit"),
        (event("print", "X"), "of a kind that a node does not emit"),
        ({"event": "audit.gap", "code": "TP4901W", "lost": 1, "source": "node/x"}, "of another spool"),
        (event("exec", "T3002I", exitCode=0), "wrong type"),
        (event("scp", "T3004I", exitCode="0", action="sideload"), "wrong type"),
    ],
)
def test_what_is_replaced_by_a_gap(wrong: dict[str, Any], says: str, pretty: bool) -> None:
    admitted = admit(disk(), wrong, disk(path="/y"), pretty=pretty)
    (reason,) = reasons(admitted)
    assert reason.startswith("event 2 of node web-1 ")
    assert says in reason
    assert admitted.lines.count(b"session.disk") >= 2
    gap = json.loads(admitted.lines.splitlines()[1])
    assert (gap["source"], gap["lost"]) == (SOURCE, 1)


@pytest.mark.parametrize("foreign", [start(), end(), disk(), event("exec", "T3002I", exitCode="0")])
def test_the_session_of_another_host(foreign: dict[str, Any]) -> None:
    other = {SID: SessionRecord(host_id=OTHER, started=format_time(NOW), user="alice")}
    (reason,) = reasons(admit(foreign, known=other))
    assert f"belongs to host {OTHER}" in reason


def test_a_session_belongs_to_the_host_that_started_it() -> None:
    first = attestation(fields={"uid": str(uuid4())})
    second = start(sid=SECOND, uid=str(uuid4()), **{"addr.remote": CLIENT})
    events = (first, second, disk(sid=SECOND), end(sid=SECOND, uid=str(uuid4())))
    admitted = admit(*events, known={})
    assert reasons(admitted) == []
    record = admitted.changed[SECOND]
    assert (record.host_id, record.user, record.login) == (HOST, "alice", "root")
    assert record.started == format_time(NOW)
    again = admit(first, second, known=admitted.changed)
    assert reasons(again) == []


def test_a_refused_copy_belongs_to_no_session() -> None:
    refused = event("sftp", "TS020E", action=1, error="no", sid=None)
    assert reasons(admit(refused, known={})) == []


def test_a_recording_that_is_uploaded_says_nothing_of_its_user() -> None:
    known = {SECOND: SessionRecord(host_id=HOST)}
    (reason,) = reasons(admit(disk(sid=SECOND), known=known))
    assert "has no attestation" in reason
    assert reasons(admit(attestation(), disk(sid=SECOND), known=known)) == []


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=30)])
def test_an_attestation_holds_however_late_it_arrives(late: timedelta) -> None:
    """The certificate of its user was valid when the session started."""
    by = emitter(now=NOW + late)
    assert reasons(admit(attestation(), disk(sid=SECOND), known={}, by=by)) == []


def login(user: Victim, session_id: bytes = b"s" * 32, signer: Victim | None = None) -> LoginProof:
    """What ``user`` has signed, or ``signer`` has in their place."""
    request = user.request()
    signature = (signer or user).sign(session_id, request)
    return LoginProof(session_id=session_id, request=request, signature=signature)


ALICE, MALLORY = certified_user(CA[0], now=NOW), certified_user(CA[0], "mallory", now=NOW)
FOREIGN_CA = keys.generate()[0]
GOOD = login(ALICE)
LATER = NOW + timedelta(hours=2)
WRONG_PROOFS: dict[str, tuple[dict[str, Any], str]] = {
    "no signature": ({"proof": changed(GOOD, signature=b"")}, "did not sign this login"),
    "another session id": ({"proof": changed(GOOD, session_id=b"x" * 32)}, "did not sign this login"),
    "another login": ({"proof": changed(GOOD, request=ALICE.request("ubuntu"))}, "did not sign this login"),
    "signed by another user": ({"proof": login(ALICE, signer=MALLORY)}, "did not sign this login"),
    "of another user": ({"proof": login(MALLORY)}, "what was signed proves 'mallory'"),
    "of another authority": (
        {"proof": login(certified_user(FOREIGN_CA, now=NOW))},
        "not signed by this cluster's user CA",
    ),
    "expired": ({"proof": GOOD, "time": format_time(LATER), "by": LATER}, "has expired"),
    "not valid yet": ({"proof": GOOD, "time": "2023-07-04T15:42:20Z"}, "not valid yet"),
    "another host": ({"host_id": OTHER}, "names the host"),
    "another client": ({"client": "192.0.2.8:1"}, "names the client"),
    "no time": ({"time": "now"}, "does not prove whose session"),
}
"""Statements that a host signs, and why they are refused."""

WRONG_FIELDS = {
    "another session": ({"sid": SID}, "names the session"),
    "another key": ({"host_certificate": host().certificate}, "the signature is wrong"),
    "another statement": ({"statement": "{}"}, "does not prove whose session"),
    "no signature": ({"signature": ""}, "without signature"),
    "junk": ({"signature": "\u20ac"}, "not an SSH signature"),
    "no certificate": ({"host_certificate": "x"}, "not an OpenSSH certificate"),
    "another name": ({"user": "bob"}, "names the user 'bob'"),
    "another account": ({"login": "ubuntu"}, "names the login 'ubuntu'"),
    "another time": ({"time": format_time(NOW - timedelta(minutes=1))}, "names the time"),
    "another hostname": ({"server_hostname": "web-2"}, "a host called 'web-2'"),
    "of no session": ({"sid": ""}, "attestation of no session"),
}
"""Fields of the event that do not fit what was signed."""

WRONG_HOSTS = {
    "of another host": (replace(host(OTHER), host_id=HOST), "not that of the host"),
    "of a proxy": (host(role="proxy"), "not that of a node"),
    "of a foreign host": (host(ca=FOREIGN_CA), "not signed by this cluster's host CA"),
}


def refused(wrong: dict[str, Any], now: datetime = NOW) -> str:
    """Why an attestation is refused; its session does not begin."""
    admitted = admit(wrong, disk(sid=SECOND), known={}, by=emitter(now=now))
    first, second = reasons(admitted)
    assert "has no attestation" in second
    assert admitted.changed == {}
    return first


@pytest.mark.parametrize("name", WRONG_PROOFS)
def test_statements_that_prove_no_login(name: str) -> None:
    given, says = WRONG_PROOFS[name]
    wrong = dict(given)
    now = wrong.pop("by", NOW)
    assert says in refused(attestation(**wrong), now)


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_attestations_that_do_not_fit_what_was_signed(name: str) -> None:
    fields, says = WRONG_FIELDS[name]
    assert says in refused(attestation(fields=fields))


@pytest.mark.parametrize("name", WRONG_HOSTS)
def test_attestations_of_what_is_not_this_host(name: str) -> None:
    signer, says = WRONG_HOSTS[name]
    assert says in refused(attestation(by=signer))


def test_an_attestation_is_for_one_session() -> None:
    """The signatures of a login that was seen start no further session."""
    seen = attestation()
    other = {**seen, "sid": SID}
    (reason,) = reasons(admit(seen, other, known={}))
    assert "names the session" in reason


def test_signature_for_another_purpose() -> None:
    own = host()
    wrong = attestation(by=own)
    wrong["signature"] = own.signed(wrong["statement"].encode(), "access-bundle@proctor")
    (reason,) = reasons(admit(wrong, known={}))
    assert "made for another purpose" in reason


def test_attestation_older_than_what_is_remembered_of_sessions() -> None:
    by = emitter(now=NOW + REMEMBERED + timedelta(minutes=1))
    (reason,) = reasons(admit(attestation(), known={}, by=by))
    assert "may have been forgotten" in reason


def test_start_from_another_client() -> None:
    known = {SID: changed(OWN[SID], client=CLIENT)}
    (reason,) = reasons(admit(start(**{"addr.remote": "192.0.2.8:1"}), known=known))
    assert "was started from 192.0.2.7:50000" in reason


@pytest.mark.parametrize("make", [start, end])
def test_once_in_a_session(make: Callable[..., dict[str, Any]]) -> None:
    (reason,) = reasons(admit(make(uid=str(uuid4())), make(uid=str(uuid4()))))
    assert "a second" in reason


def test_one_attestation_of_a_session() -> None:
    (reason,) = reasons(admit(attestation(), attestation(), known={}))
    assert "a second" in reason


def test_after_the_end_only_what_outlives_a_session() -> None:
    ended = {SID: SessionRecord(**{f: getattr(OWN[SID], f) for f in ("host_id", "started", "user", "login")},
                                end_uid=str(uuid4()))}  # fmt: skip
    late = [
        disk(detached=True),
        event("session.loss", "TP4900W", lost={"disk": 1}),
        event("session.ledger", "TP4905I", submitted={}, stored={}),
    ]
    assert reasons(admit(*late, known=ended)) == []
    (reason,) = reasons(admit(event("resize", "T2002I", size="1:1"), known=ended))
    assert "follows the end of session" in reason


def test_an_end_names_no_other_participants() -> None:
    (reason,) = reasons(admit(end(participants=["alice", "mallory"])))
    assert "names 'mallory' as a participant" in reason


def test_events_delivered_days_later() -> None:
    joined = NOW - timedelta(days=30)
    moment = NOW - timedelta(days=20)
    by = emitter(joined=joined)
    began = attestation(moment=moment)
    assert reasons(admit(began, disk(sid=SECOND, time=format_time(moment)), by=by)) == []
    (reason,) = reasons(admit(disk(time="1999-01-01T00:00:00Z"), by=by))
    assert "before the host joined" in reason


def test_a_proxy_tells_of_refused_logins_only() -> None:
    by = emitter(SystemRole.PROXY)
    assert reasons(admit(auth(), by=by)) == []
    for other in (disk(), start(), event("exec", "T3002I", exitCode="0"), auth(sid=SID)):
        assert len(reasons(admit(other, by=by))) == 1


def test_an_administrator_emits_nothing() -> None:
    assert len(reasons(admit(auth(), by=emitter(SystemRole.ADMIN)))) == 1


def test_a_loss_may_be_reported_of_a_session_of_which_nothing_arrived() -> None:
    loss = event("session.loss", "TP4900W", lost={"recording": 1}, sid=SECOND, user=None, login=None)
    admitted = admit(loss, known={})
    assert (reasons(admitted), admitted.changed) == ([], {})


def test_reasons_show_no_control_characters() -> None:
    hostile = b'{"event":"\x1b[2Jx\\u001b[31m\\u202e","code":"x"}\n{"\x07\n'
    found = reasons(NumberedEvents(hostile, 1, emitter(), UID_KEY).admitted({}))
    assert len(found) == 2
    assert all(reason.isprintable() for reason in found)


def test_sessions_that_a_batch_names() -> None:
    assert NumberedEvents(lines(disk(), disk(sid=SECOND)), 1, emitter(), UID_KEY).sids() == {SID, SECOND}
    raw = lines(disk(), disk(sid=SECOND)) + b'junk\n{"sid":5}\n{"sid":"../x"}\n'
    assert NumberedEvents(raw, 1, emitter(), UID_KEY).sids() == {SID, SECOND}
