# SPDX-License-Identifier: Apache-2.0
"""What the privileged side reads of a node in other hands: a value, or the declared error."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from asyncssh.packet import String
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.clock import SYSTEM
from proctor.core.errors import BadRequest, ProctorError, Unauthenticated
from proctor.model.bundle import NAMESPACE, read_bundle
from proctor.spawnerproto.messages import check_request, check_spawn
from proctor.sshkit import keys, sshsig
from proctor.sshkit.exchange import read_exchange
from proctor.sshkit.userauth import read_request, verify_login

CA = keys.generate()[1]
strings = st.lists(st.binary(max_size=60), max_size=8).map(lambda parts: b"".join(map(String, parts)))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary().map(lambda b: b.decode("latin-1")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(
    ["op", "sid", "kind", "command", "env", "term", "target", "transcript", "hash_name", "first", "request"]
)


@given(st.binary(max_size=500) | strings, st.sampled_from(["sha256", "sha1"]) | st.text(max_size=20))
def test_transcripts(data: bytes, name: str) -> None:
    with suppress(BadRequest):
        assert len(read_exchange(data, name).cookie) == 16


@given(st.binary(max_size=500) | strings.map(lambda data: b"\x32" + data), st.binary(max_size=200))
def test_requests_for_authentication(data: bytes, signature: bytes) -> None:
    with suppress(BadRequest):
        assert read_request(data).login.isprintable()
    with suppress(ProctorError):
        raise AssertionError(verify_login(b"x" * 32, data, signature, [CA], SYSTEM.now()))


@given(st.binary(max_size=300))
def test_certificates_in_requests(key: bytes) -> None:
    name = String(b"ssh-ed25519-cert-v01@openssh.com")
    request = b"\x32" + b"".join(map(String, (b"root", b"ssh-connection", b"publickey"))) + b"\1"
    with suppress(ProctorError):
        data = request + name + String(name + key)
        raise AssertionError(verify_login(b"x" * 32, data, b"", [CA], SYSTEM.now()))


@given(st.binary(max_size=500), st.binary(max_size=100))
def test_bundles(signature: bytes, content: bytes) -> None:
    with suppress(Unauthenticated):
        sshsig.verify(signature, NAMESPACE, content, [CA], SYSTEM.now())
        raise AssertionError("rubbish was verified")
    with suppress(ProctorError):
        raise AssertionError(read_bundle(content, "host", SYSTEM.now()))


@given(st.dictionaries(fields | st.text(), values, max_size=8))
def test_messages(message: dict[str, Any]) -> None:
    for check in (check_request, check_spawn):
        with suppress(BadRequest):
            check(message)
