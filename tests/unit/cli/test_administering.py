# SPDX-License-Identifier: Apache-2.0
"""As whom ``tctl`` acts when the configuration of the host is not for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.cli.tctl import connection
from proctor.cli.tctl.connection import AdminOptions
from proctor.core.errors import ConfigError, Unauthenticated

OVERFLOW_UID = 65534
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another account")


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration that only root may read, seen by another account without a login of tsh."""
    path = tmp_path / "teleport.yaml"
    path.write_text("teleport: {data_dir: /nonexistent}\n")
    path.chmod(0o600)
    monkeypatch.setattr(connection, "DEFAULT_PATH", str(path))
    monkeypatch.setenv("TELEPORT_HOME", "/nonexistent")
    os.seteuid(OVERFLOW_UID)
    yield path
    os.seteuid(0)


def test_a_configuration_that_others_may_not_read_leads_on_to_the_login_of_tsh(private: Path) -> None:
    with pytest.raises(Unauthenticated, match="no login of tsh") as caught:
        AdminOptions().run(lambda _: pytest.fail("there is no identity to act as"))
    assert "log in with tsh" in caught.value.hint


def test_a_configuration_that_was_named_must_be_readable(private: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        AdminOptions(config=str(private)).run(lambda _: pytest.fail("there is no identity to act as"))
