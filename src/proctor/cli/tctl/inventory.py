# SPDX-License-Identifier: Apache-2.0
"""``tctl inventory``: the hosts that the auth service hears of, their services and versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from proctor.cli.application import group
from proctor.cli.options import bundled
from proctor.cli.output import Format, emit, fields, table
from proctor.cli.tctl.connection import AdminOptions
from proctor.core.errors import BadRequest
from proctor.core.version import major

if TYPE_CHECKING:
    from proctor.model.resources import Node
    from proctor.rpc.auth_client import Client

inventory = group("Hosts and their versions.")
Output = Annotated[Format, Option("--format", help="text, json or yaml.")]


async def hosts(client: Client, older_than: str = "", exact_version: str = "") -> list[dict[str, Any]]:
    """Every node with ``server_id``, ``hostname``, ``services``, ``version``. Raises BadRequest."""
    from proctor.cli.tctl.verbs import documents
    from proctor.model.resources import Node

    limit = _version("--older-than", older_than) if older_than else None
    exact = _version("--exact-version", exact_version) if exact_version else None
    nodes = [each for each in await documents(client, "node") if isinstance(each, Node)]
    found = [_host(each) for each in nodes]
    return [
        each
        for each in found
        if (limit is None or _known(each["version"]) < limit)
        and (exact is None or _known(each["version"]) == exact)
    ]


def _host(node: Node) -> dict[str, Any]:
    return {
        "server_id": node.metadata.name,
        "hostname": node.spec.hostname,
        "services": ["node"],
        "version": node.spec.server_version,
        "enhanced_recording": node.spec.enhanced_recording,
    }


def _version(flag: str, text: str) -> tuple[int, ...]:
    if not (numbers := _known(text)):
        raise BadRequest(f"{flag}: {text!r} is not a version", hint="Expected 14.0.0 or v14.")
    return numbers


def _known(text: str) -> tuple[int, ...]:
    """``v14.1.0-dev`` as (14, 1, 0); empty when ``text`` is no version."""
    parts = text.removeprefix("v").partition("-")[0].split(".")
    numbers = [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 10]
    if len(numbers) != len(parts) or len(numbers) > 3:
        return ()
    return tuple(numbers + [0] * (3 - len(numbers)))


def hosts_text(found: Sequence[dict[str, Any]]) -> str:
    """Return the output of ``tctl inventory ls``."""
    rows = [
        [each["server_id"], each["hostname"], ",".join(each["services"]), each["version"]] for each in found
    ]
    return table(["Server ID", "Hostname", "Services", "Version"], rows)


def summary(found: Sequence[dict[str, Any]], server: str) -> dict[str, Any]:
    """Count hosts by version; ``server``: the version of the auth service."""
    versions = Counter(str(each["version"]) for each in found)
    return {
        "auth_version": server,
        "hosts": len(found),
        "versions": dict(sorted(versions.items())),
        "of_another_major_version": sum(
            count for version, count in versions.items() if _known(version)[:1] != (major(server),)
        ),
    }


def summary_text(found: dict[str, Any]) -> str:
    """Return the output of ``tctl inventory status``."""
    pairs = [
        ("Auth service", found["auth_version"]),
        ("Hosts", str(found["hosts"])),
        *((f"  {version}", str(count)) for version, count in found["versions"].items()),
        ("Other major version", str(found["of_another_major_version"])),
    ]
    return fields(pairs)


@inventory.command("ls")
@bundled
def inventory_ls(
    administering: AdminOptions,
    older_than: Annotated[str, Option(help="Only hosts of a version before this: 14.1.0.")] = "",
    exact_version: Annotated[str, Option(help="Only hosts of this version.")] = "",
    output: Output = Format.TEXT,
) -> None:
    """List hosts with their services and versions."""
    found = administering.run(lambda client: hosts(client, older_than, exact_version))
    emit(output, found, hosts_text(found))


@inventory.command("status")
@bundled
def inventory_status(administering: AdminOptions, output: Output = Format.TEXT) -> None:
    """Count hosts by version."""
    from proctor.cli.tctl import verbs

    async def work(client: Client) -> dict[str, Any]:
        return summary(await hosts(client), (await verbs.status(client))["version"])

    found = administering.run(work)
    emit(output, found, summary_text(found))
