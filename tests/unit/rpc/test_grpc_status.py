# SPDX-License-Identifier: Apache-2.0
"""Errors cross the wire as what they are."""

from __future__ import annotations

import grpc
import pytest

from proctor.core import errors
from proctor.core.errors import ProctorError
from proctor.core.net import split_address
from proctor.rpc.grpc_status import status_of, trailers, translated

KINDS = [
    kind
    for kind in ProctorError.__subclasses__()
    if kind.__module__ == errors.__name__ and kind is not errors.ConfigError
]
"""All but those of single packages and of configurations, which are read where the command runs."""


def received(error: ProctorError) -> ProctorError:
    """``error`` as a client gets it."""
    return translated(failure(status_of(error), error.message, *trailers(error)))


def failure(code: grpc.StatusCode, details: str | None, *trailing: tuple[str, str | bytes]) -> grpc.RpcError:
    metadata = grpc.aio.Metadata(*trailing)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details, None)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_keeps_class_message_and_hint(kind: type[ProctorError]) -> None:
    got = received(kind("what is wrong", hint="Was zu tun wäre"))
    assert type(got) is kind
    assert (got.message, got.hint) == ("what is wrong", "Was zu tun wäre")


def test_a_subclass_arrives_as_the_class_it_specialises() -> None:
    class Refused(errors.AccessDenied):
        pass

    assert type(received(Refused("no"))) is errors.AccessDenied


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_call_that_did_not_get_through_is_unavailable(code: grpc.StatusCode) -> None:
    assert isinstance(translated(failure(code, "refused")), errors.Unavailable)


def test_what_a_foreign_server_says_does_no_harm() -> None:
    trailing = (("proctor-error", "NotFound"), ("proctor-hint-bin", b"\xff\xfe"))
    error = failure(grpc.StatusCode.OK, None, *trailing)
    assert isinstance(translated(error), errors.NotFound)
    assert type(translated(grpc.RpcError("odd"))) is ProctorError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", ("host", 3025)),
        ("host:1", ("host", 1)),
        ("127.0.0.1:65535", ("127.0.0.1", 65535)),
        ("[::1]:3080", ("::1", 3080)),
        ("[::1]", ("::1", 3025)),
        ("::1", ("::1", 3025)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert split_address(text, 3025) == expected


@pytest.mark.parametrize("text", ["", ":3025", "host:", "host:0", "host:65536", "host:x", "host:-1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(errors.BadRequest, match="is not an address"):
        split_address(text, 3025)
