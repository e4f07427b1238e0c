# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from testing import programs
from tools.runner import console, debian, paths, stamps, suites, verbs


def test_without_a_verb_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.main([]) == 0

    shown = capsys.readouterr().out
    assert all(f"./run {name}" in shown for name in ("demo", "test", "lint", "bench", "build"))


def test_unknown_verb_suggests_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.main(["tets"]) == 2

    assert "did you mean 'test'" in capsys.readouterr().out


def test_failed_step_shows_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LOGS", tmp_path)

    with pytest.raises(console.RunError, match="exit status 3") as error:
        console.step("a step", [sys.executable, "-c", "print('reason'); raise SystemExit(3)"])

    assert "reason" in str(error.value)
    assert (tmp_path / "a-step.log").read_text() == "reason\n"


def test_program_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LOGS", tmp_path)

    with pytest.raises(console.RunError, match="/no/such/program"):
        console.step("a step", ["/no/such/program"])


def test_stamp_follows_names_and_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "ROOT", tmp_path)
    monkeypatch.setattr(stamps, "STAMPS", tmp_path / "stamps")
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("1")
    first = stamps.digest([source])

    assert not stamps.is_current("step", first)
    stamps.write("step", first)
    assert stamps.is_current("step", stamps.digest([source]))
    (source / "a").rename(source / "b")
    assert not stamps.is_current("step", stamps.digest([source]))


def test_missing_packages() -> None:
    assert debian.missing(["libc6", "no-such-package-anywhere"]) == ["no-such-package-anywhere"]


def test_fuzzing_has_the_runtimes_of_the_sanitizers(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(verbs, "prepare", lambda *, packages: prepared.extend(packages))
    monkeypatch.setattr(verbs, "_become", lambda *_argv: 0)

    assert verbs.main(["fuzz"]) == 0
    assert "libclang-rt-dev" in prepared


def test_counts_of_a_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite><testcase/><testcase/>"
        '<testcase><skipped message="no kernel"/></testcase>'
        "<testcase><failure/></testcase><testcase><error/></testcase></testsuite></testsuites>"
    )

    outcome = suites.Outcome("unit", ok=True, seconds=1.0)
    suites.count(report, outcome)

    assert outcome.counts == Counter(passed=2, failed=2, skipped=1)
    assert outcome.skipped == Counter({"no kernel": 1})


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_demo_without_root_says_what_cannot_be_recorded() -> None:
    program = (
        "import os, sys; from tools.runner import verbs; os.setuid(65534); sys.exit(verbs.main(['demo']))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "sessions cannot be recorded here: not root" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_missing_program_skips_a_test_where_no_set_up_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(programs.SWITCH, raising=False)

    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        programs.require("sh", "no-such-program")


def test_missing_program_fails_a_test_where_the_set_up_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(programs.SWITCH, "must")

    programs.require("sh")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        programs.require("sh", "no-such-program")


def test_arguments_of_a_verb_that_takes_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.main(["setup", "--bad"]) == 2
    assert capsys.readouterr().err == "./run setup takes no arguments; what is --bad?\n"


def test_verbs_that_take_arguments() -> None:
    assert {verb.name for verb in verbs.VERBS if verb.takes_arguments} >= {"demo", "test", "bench", "vmtest"}


def test_every_verb_is_documented_and_every_documented_verb_exists() -> None:
    page = (paths.ROOT / "docs/development.md").read_text()
    assert set(re.findall(r"`\./run ([a-z]+)", page)) == {verb.name for verb in verbs.VERBS}
