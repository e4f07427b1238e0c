# SPDX-License-Identifier: Apache-2.0
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.config.schema import Log, LogFormat
from proctor.core.errors import ConfigError
from proctor.runtime import logs

log = logging.getLogger("proctor.tests")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers = before
    root.setLevel(level)


def test_text(tmp_path: Path) -> None:
    logs.configure(Log(output=str(tmp_path / "log")), "auth")
    log.debug("hidden")
    log.info("hello %s", "world", extra={"sid": "1"})
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert "hello world" in line
    assert "component=auth" in line
    assert "sid=1" in line
    assert "\x1b" not in line


def test_json(tmp_path: Path) -> None:
    settings = Log(output=str(tmp_path / "log"), severity="WARN", format=LogFormat(output="json"))
    logs.configure(settings, "node")
    log.info("hidden")
    log.warning("seen")
    entry = json.loads((tmp_path / "log").read_text())
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"event": "seen", "level": "warning", "component": "node"}


def test_debug_beats_the_configured_severity(tmp_path: Path) -> None:
    logs.configure(Log(output=str(tmp_path / "log"), severity="ERROR"), "node", debug=True)
    log.debug("seen")
    assert "seen" in (tmp_path / "log").read_text()


def test_lines_cannot_be_forged(tmp_path: Path) -> None:
    logs.configure(Log(output=str(tmp_path / "log")), "node")
    log.info("login of %s", "eve\n2026 [info] login of root \x1b[2J", extra={"user": "eve\nroot\x1b[2J"})
    text = (tmp_path / "log").read_text()
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_a_destination_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"log.output: cannot open .*: No such file"):
        logs.configure(Log(output=str(tmp_path / "no/such/log")), "node")


def test_a_file_that_was_rotated_by_truncation_goes_on_at_its_beginning(tmp_path: Path) -> None:
    """As logrotate's ``copytruncate`` does it; docs/operations.md says so."""
    logs.configure(Log(output=str(tmp_path / "log")), "auth")
    log.info("before")
    (tmp_path / "log").write_text("")
    log.info("after")
    assert "\0" not in (tmp_path / "log").read_text()
    assert "after" in (tmp_path / "log").read_text()
