# SPDX-License-Identifier: Apache-2.0
"""``tsh ls``: the nodes that one may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from proctor.cli.output import labels_text, table
from proctor.cli.tsh.connection import Active
from proctor.cli.tsh.dial import DialTarget
from proctor.core.errors import BadRequest, NotFound
from proctor.model.resources import Node
from proctor.model.serde import from_json
from proctor.rpc._pb.auth_pb2 import ListDocumentsRequest


async def nodes(active: Active) -> list[Node]:
    """All nodes that the roles of ``active`` show, sorted by name."""
    async with active.client() as client:
        answer = await client.call(client.auth.ListDocuments, ListDocumentsRequest(kind="node"))
    return sorted((from_json(raw, Node) for raw in answer.json), key=lambda node: node.spec.hostname)


def parse_labels(texts: Sequence[str]) -> dict[str, str]:
    """``key=value`` arguments. Raises BadRequest."""
    labels = {}
    for part in (part for text in texts for part in text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise BadRequest(f"{part!r} is not a label, expected key=value")
        labels[key] = value
    return labels


def matching(found: Sequence[Node], labels: Mapping[str, str], search: str) -> list[Node]:
    """Nodes with all ``labels``, and with ``search`` in name, address or a label."""
    return [
        node
        for node in found
        if labels.items() <= node.spec.labels.items()
        and search in " ".join([node.spec.hostname, node.spec.addr, labels_text(node.spec.labels)])
    ]


async def selected(active: Active, target: DialTarget) -> list[DialTarget]:
    """The nodes that ``target`` means: those with all its labels (``key=value,…``), or the one it names.

    Raises NotFound when no node has the labels.
    """
    if "=" not in target.host:
        return [target]
    found = matching(await nodes(active), parse_labels([target.host]), "")
    if not found:
        raise NotFound(f"no node has the labels {target.host}", hint="List nodes with: tsh ls")
    return [replace(target, host=node.metadata.name, name=node.spec.hostname) for node in found]


def text(found: Sequence[Node], *, verbose: bool) -> str:
    """The table; ``verbose`` adds the id, and whether the node records what the kernel sees."""
    rows = [[node.spec.hostname, node.spec.addr, labels_text(node.spec.labels)] for node in found]
    if not verbose:
        return table(["Node Name", "Address", "Labels"], rows)
    rows = [
        [row[0], node.metadata.name, *row[1:], "yes" if node.spec.enhanced_recording else "no"]
        for row, node in zip(rows, found, strict=True)
    ]
    return table(["Node Name", "Node ID", "Address", "Labels", "Enhanced Recording"], rows)
