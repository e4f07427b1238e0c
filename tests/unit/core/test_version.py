# SPDX-License-Identifier: Apache-2.0
import pytest

from proctor.core.errors import IncompatibleVersion
from proctor.core.version import VERSION, banner, check_auth_server, check_client, major


@pytest.mark.parametrize("client", ["14.0.0", "14.9.9", "v14.1.0-dev", "13.3.9"])
def test_same_major_and_one_behind_are_served(client: str) -> None:
    check_client(client, server="14.0.0")


@pytest.mark.parametrize(
    ("client", "says"), [("15.0.0", "newer"), ("12.4.0", "too old"), ("", "no usable version")]
)
def test_other_majors_are_refused_with_a_reason(client: str, says: str) -> None:
    with pytest.raises(IncompatibleVersion, match=says) as refusal:
        check_client(client, server="14.0.0", what="node")
    assert "node" in refusal.value.message


def test_an_older_auth_server_is_refused_and_a_newer_minor_is_not() -> None:
    check_auth_server("14.2.0", client="14.0.0")
    with pytest.raises(IncompatibleVersion) as refusal:
        check_auth_server("13.0.0", client="14.0.0")
    assert "--skip-version-check" in refusal.value.hint


def test_our_own_version_has_a_major() -> None:
    assert major(VERSION) >= 14
    assert f"v{VERSION}" in banner()
