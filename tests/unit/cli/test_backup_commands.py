# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``tctl backup``: what they print, and as which data."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.main import get_command

from proctor.cli.tctl.backup.commands import backup
from proctor.core.clock import FakeClock
from proctor.core.errors import ProctorError
from testing.keeping import HOST, Kept


class Lab:
    """An auth host and, beside it, an empty one; each with its configuration."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.target = directory / "b.tar"
        self._capsys = capsys
        self.configured = directory / "one.yaml"
        self.empty = directory / "two.yaml"
        for path in (self.configured, self.empty):
            data = {"teleport": {"data_dir": str(directory / path.stem)}}
            path.write_text(json.dumps(data))
        kept = Kept(directory / "one", FakeClock())
        kept.event()
        kept.close()
        (directory / "one/host_uuid").write_text(f"{HOST}\n")
        sqlite3.connect(directory / "one/backend/state.sqlite").close()
        self.restored = directory / "two"

    def run(self, verb: str, *flags: str, config: Path | None = None) -> tuple[str, str]:
        """Standard output and standard error."""
        arguments = [verb, str(self.target), "-c", str(config or self.configured), *flags]
        get_command(backup).main(arguments, standalone_mode=False)
        said = self._capsys.readouterr()
        return said.out, said.err


@pytest.fixture
def lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Lab:
    return Lab(tmp_path, capsys)


def test_all_verbs_say_the_same_of_one_backup(lab: Lab) -> None:
    out, err = lab.run("create", "--format", "json")
    made = json.loads(out)
    assert made.pop("path") == str(lab.target)
    assert "private keys" in err
    assert f"{made['files']} files" in err
    assert json.loads(lab.run("verify", "--format", "json")[0]) == made
    restored = json.loads(lab.run("restore", "--format", "json", config=lab.empty)[0])
    assert restored.pop("path") == str(lab.restored)
    assert restored == made


def test_texts_for_people_say_what_to_do_next(lab: Lab) -> None:
    assert lab.run("create")[0] == ""
    assert "the audit log up to 2023-07-04" in lab.run("verify")[0]
    out, _ = lab.run("restore", config=lab.empty)
    assert f"are in {lab.restored}. Now start teleport." in out


def test_restore_never_replaces_what_is_there(lab: Lab) -> None:
    lab.run("create")
    with pytest.raises(ProctorError, match="is not empty"):
        lab.run("restore")
