# SPDX-License-Identifier: Apache-2.0
"""``tctl edit``: a resource in an editor."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from proctor.cli.output import note
from proctor.cli.tctl import documents
from proctor.core.errors import BadRequest, ProctorError
from proctor.model.resources import Resource


def edited(text: str, name: str) -> Resource | None:
    """Have the user edit ``text``, the YAML of one resource; None when it was left as it is.

    Raises ProctorError when the editor fails, and BadRequest, which names a copy of the text, when what
    was written is wrong or is no longer the same resource.
    """
    before = documents.parse(text, name).resources[0]
    with TemporaryDirectory(prefix="tctl-edit-") as directory:
        path = Path(directory) / f"{name.replace('/', '-')}.yaml"
        path.touch(mode=0o600)
        path.write_text(text)
        _run_editor(path)
        after = path.read_text()
    if after == text:
        return None
    try:
        return _checked(after, name, before)
    except BadRequest as error:
        kept = _keep(after, name)
        raise BadRequest(f"{error.message}\nWhat you wrote is in {kept}.", hint=error.hint) from None


def _checked(text: str, name: str, before: Resource) -> Resource:
    parsed = documents.parse(text, name)
    if len(parsed.resources) != 1:
        raise BadRequest(f"{name}: {len(parsed.resources)} documents instead of one")
    (after,) = parsed.resources
    if (after.kind, after.metadata.name) != (before.kind, before.metadata.name):
        raise BadRequest(f"{name}: kind and name must stay", hint="Make another resource with: tctl create")
    for warning in parsed.warnings:
        note(f"WARNING: {warning}")
    return after


def _run_editor(path: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        status = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
    except (OSError, ValueError):
        raise ProctorError(f"the editor {editor} cannot be started", hint="Set EDITOR.") from None
    if status != 0:
        raise ProctorError(f"{editor} ended with status {status}; nothing was changed")


def _keep(text: str, name: str) -> Path:
    path = Path(f"{name.replace('/', '-')}.rejected.yaml").absolute()
    path.touch(mode=0o600)
    path.write_text(text)
    return path
