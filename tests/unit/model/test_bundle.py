# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from proctor.core.clock import format_time
from proctor.core.errors import AccessDenied, Corrupted
from proctor.model.bundle import LIFETIME, AccessBundle, make_bundle, read_bundle
from proctor.model.identity import UserIdentity
from proctor.model.resources import Metadata, Role
from proctor.model.serde import to_json

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
ACCESS = Role(metadata=Metadata(name="access"))
BUNDLE = make_bundle("host", "purple", [ACCESS], NOW)


def read(bundle: AccessBundle, now: datetime = NOW) -> AccessBundle:
    return read_bundle(to_json(bundle), "host", now)


def test_bundle_survives_the_wire() -> None:
    assert read(BUNDLE) == BUNDLE
    assert make_bundle("host", "purple", [], NOW + timedelta(seconds=1)).sequence > BUNDLE.sequence


def test_bundle_expires() -> None:
    BUNDLE.check_current(NOW + LIFETIME - timedelta(seconds=1))
    with pytest.raises(AccessDenied, match="expired at 2024-05-04T12:00:00Z"):
        BUNDLE.check_current(NOW + LIFETIME)
    assert read(BUNDLE, NOW + LIFETIME) == BUNDLE, "it can still be compared with a newer one"


def test_bundles_of_others_and_of_the_future() -> None:
    with pytest.raises(AccessDenied, match="is for the node other, not for host"):
        read(replace(BUNDLE, host_id="other"))
    read(BUNDLE, NOW - timedelta(minutes=4))
    with pytest.raises(AccessDenied, match="in the future"):
        read(BUNDLE, NOW - timedelta(minutes=6))
    with pytest.raises(AccessDenied, match="in the future"):
        read(replace(BUNDLE, sequence=2**62))


def test_rubbish() -> None:
    for data in (b"", b"{}", to_json(BUNDLE)[:-1], to_json(BUNDLE).replace(b'"roles"', b'"rules"')):
        with pytest.raises(Corrupted):
            read_bundle(data, "host", NOW)
    for change in ({"issued": "yesterday"}, {"expires": format_time(NOW)[:-1]}):
        with pytest.raises(Corrupted, match="wrong time"):
            read(replace(BUNDLE, **change))


def test_roles_of_a_certificate() -> None:
    def roles(*names: str) -> list[Role]:
        return BUNDLE.roles_of(UserIdentity(username="alice", roles=names, logins=()))

    assert roles("access") == [ACCESS]
    with pytest.raises(AccessDenied, match="role strict of the certificate is not known"):
        roles("access", "strict")
    with pytest.raises(AccessDenied, match="names no roles"):
        roles()
