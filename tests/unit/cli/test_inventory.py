# SPDX-License-Identifier: Apache-2.0
"""Hosts by version, as ``tctl inventory`` selects, counts and prints them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from proctor.cli.tctl.inventory import hosts, hosts_text, summary, summary_text
from proctor.core.errors import BadRequest
from proctor.model.resources import Metadata, Node, NodeSpec
from proctor.model.serde import to_json
from proctor.rpc._pb import auth_pb2 as pb
from proctor.rpc.auth_client import Client


class Answering:
    """Stands for a connection to an auth service that knows hosts of these versions."""

    ListDocuments = None

    def __init__(self, *versions: str) -> None:
        self.auth = self
        self._versions = versions

    async def call(self, _method: Any, request: pb.ListDocumentsRequest) -> pb.Documents:
        assert request.kind == "node"
        return pb.Documents(json=[to_json(a_node(version)) for version in self._versions])


def a_node(version: str) -> Node:
    spec = NodeSpec(hostname=f"host of {version}", addr="127.0.0.1:3022", server_version=version)
    return Node(metadata=Metadata(name=f"id of {version}"), spec=spec)


async def found(*versions: str, older_than: str = "", exact: str = "") -> list[str]:
    client = cast(Client, Answering(*versions))
    return [each["version"] for each in await hosts(client, older_than, exact)]


async def test_all_hosts_by_default() -> None:
    assert await found("14.0.0", "", "what") == ["14.0.0", "", "what"]


@pytest.mark.parametrize("limit", ["14.1.0", "v14.1.0", "14.1", "v14.1.0-rc.1"])
async def test_older_than_compares_numbers(limit: str) -> None:
    assert await found("14.0.9", "9.0.0", "14.1.0", "14.10.0", "v13.0.0-dev", older_than=limit) == [
        "14.0.9",
        "9.0.0",
        "v13.0.0-dev",
    ]


async def test_host_of_an_unknown_version_is_older_than_any() -> None:
    assert await found("", "what", "1.2.3.4", "14.0.0", older_than="0.0.1") == ["", "what", "1.2.3.4"]


async def test_exact_version_in_any_spelling() -> None:
    assert await found("14.0.0", "v14.0.0", "14.0.1", "14", exact="14") == ["14.0.0", "v14.0.0", "14"]


async def test_both_conditions_hold() -> None:
    assert await found("14.0.0", "13.0.0", older_than="14.0.0", exact="14.0.0") == []


@pytest.mark.parametrize("text", ["x", "14.x", "v", "1.2.3.4", "14..0", "-1", "\u0661", "1" * 10, " 14"])
async def test_what_is_no_version_is_refused_before_anything_is_asked(text: str) -> None:
    for flags in ({"older_than": text}, {"exact": text}):
        with pytest.raises(BadRequest, match="is not a version"):
            await found(**flags)


async def test_summary_counts_versions_and_other_major_ones() -> None:
    nodes = await hosts(cast(Client, Answering("14.0.0", "14.2.0", "14.0.0", "13.9.0", "what")))
    assert summary(nodes, "14.1.0") == {
        "auth_version": "14.1.0",
        "hosts": 5,
        "versions": {"13.9.0": 1, "14.0.0": 2, "14.2.0": 1, "what": 1},
        "of_another_major_version": 2,
    }
    text = summary_text(summary(nodes, "14.1.0"))
    assert [line.split()[-1] for line in text.splitlines() if "14.0.0" in line] == ["2"]


async def test_texts_have_one_line_for_each_host() -> None:
    nodes = await hosts(cast(Client, Answering("14.0.0", "13.0.0")))
    assert all(
        sum(each in line for line in hosts_text(nodes).splitlines()) == 1 for each in ("14.0.0", "13.0.0")
    )
    assert summary([], "14.0.0")["hosts"] == 0
