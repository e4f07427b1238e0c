# SPDX-License-Identifier: Apache-2.0
"""Our version and the rule which versions may talk to each other.

Rule (guide, "compatibility rules"): patch and minor versions always work together; a server
accepts clients one major version behind and refuses newer majors.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from proctor.core.errors import IncompatibleVersion

_PREFIX, _SUFFIX = "proctor-", ".dist-info"


def _installed_version() -> str:
    """From the name of our ``.dist-info``; importlib.metadata costs more than all of ``tsh version`` may."""
    for directory in filter(None, sys.path):
        with suppress(OSError):
            for name in os.listdir(directory):
                if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
                    return name[len(_PREFIX) : -len(_SUFFIX)]
    return "0.0.0"


VERSION = _installed_version()


def banner() -> str:
    """Return the output of ``teleport version``."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"Teleport v{VERSION} (Proctor) python{python}"


def version_data() -> dict[str, str]:
    """The same for programs."""
    return {"version": VERSION, "runtime": f"python{'.'.join(map(str, sys.version_info[:3]))}"}


def major(text: str) -> int:
    """The major number of ``text`` such as ``14.0.0`` or ``v14.1.0-dev``.

    Raises ValueError when it has none.
    """
    return int(text.removeprefix("v").split(".", 1)[0])


def check_client(client: str, *, server: str = VERSION, what: str = "client") -> None:
    """Raise IncompatibleVersion when a server of version ``server`` must refuse ``client``."""
    try:
        theirs, ours = major(client), major(server)
    except ValueError:
        raise IncompatibleVersion(f"the {what} sent no usable version ({client!r})") from None
    if theirs > ours:
        raise IncompatibleVersion(
            f"the {what} has version {client}, newer than this server ({server})",
            hint=f"Upgrade the server to {theirs}.x first, or go back to {ours}.x with the {what}.",
        )
    if theirs < ours - 1:
        raise IncompatibleVersion(
            f"the {what} has version {client}, too old for this server ({server})",
            hint=f"Upgrade the {what} to {ours - 1}.x or {ours}.x.",
        )


def check_auth_server(auth: str, *, client: str = VERSION) -> None:
    """Raise IncompatibleVersion when a proxy or node must not use an auth service this old."""
    if major(auth) < major(client):
        raise IncompatibleVersion(
            f"the Auth Service has version {auth}, older than this service ({client})",
            hint="Upgrade the Auth Service first, or start with --skip-version-check.",
        )
