# SPDX-License-Identifier: Apache-2.0
"""Components of versions that may not work together say so."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from testing.cluster import Cluster
from testing.commands import command, environment
from tests.e2e.test_join import refusal, without_recording


def pretend(directory: Path, version: str) -> dict[str, str]:
    """An environment in which our programs believe to be of another version."""
    metadata = directory / f"proctor-{version}.dist-info/METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: proctor\nVersion: {version}\n")
    return {"PYTHONPATH": str(directory)}


def test_pretending_works(tmp_path: Path) -> None:
    env = {**environment(tmp_path), **pretend(tmp_path, "15.2.0")}

    assert command(["tsh", "version"], env).stdout.startswith("Teleport v15.2.0")


@pytest.mark.parametrize(("version", "welcome"), [("15.0.0", False), ("13.1.0", True), ("12.9.0", False)])
def test_tsh_of_another_version(shared: Cluster, tmp_path: Path, version: str, welcome: bool) -> None:
    user = shared.add_user(f"user-{version.replace('.', '-')}")
    user.env = {**user.env, **pretend(tmp_path, version)}

    if welcome:
        user.login()
    else:
        with pytest.raises(EOFError, match=version) as refused:
            user.login()
        assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("version", ["15.0.0", "12.9.0"])
def test_node_of_another_version(shared: Cluster, version: str) -> None:
    node = shared.add_node(name=f"node-{version.replace('.', '-')}", edit=without_recording)
    node.env |= pretend(node.data_dir / "pretended", version)  # where services without rights can read it

    said = refusal(node)

    assert version in said
    assert "14.0.0" in said


def test_api_of_the_proxy(shared: Cluster) -> None:
    context = ssl._create_unverified_context()
    request = urllib.request.Request(f"https://{shared.proxy}/webapi/ping")
    with urllib.request.urlopen(request, context=context, timeout=20) as reply:
        answer = json.load(reply)
    assert answer["server_version"] == "14.0.0"
    assert answer["min_client_version"].startswith("13.")
