# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proctor.capture.kernel import kernel_features
from proctor.capture.kernel.filters import Rules
from testing.capture import CaptureHarness, running_lab

LIBRARY = next(
    str(path) for path in Path("/usr/lib").rglob("*.so*") if path.is_file() and not path.is_symlink()
)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, without: str) -> Iterator[CaptureHarness]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(kernel_features.SWITCH, without)
        with running_lab(tmp_path_factory.mktemp("quiet"), rules=Rules(reduce_noise=True)) as lab:
            yield lab


def account(lab: CaptureHarness, main: Callable[[], object]) -> tuple[list[str], int, int]:
    """Paths recorded, and how many opens were submitted and left out."""
    session = lab.run(main, ["disk"])
    found = lab.subscriber.drained(session.sid).account
    assert found is not None
    paths = [event["path"] for event in session.opens]
    return paths, found.submitted.get("disk", 0), found.filtered.get("disk", 0)


def test_what_is_left_out_is_counted(quiet: CaptureHarness) -> None:
    def read() -> None:
        for path in (LIBRARY, "/etc", "/etc/ld.so.cache", "/etc/hostname"):
            os.open(path, os.O_RDONLY)

    assert account(quiet, read) == (["/etc/hostname"], 4, 3)


def test_all_is_kept_unless_configured(lab: CaptureHarness) -> None:
    def read() -> None:
        for path in (LIBRARY, "/etc", "/etc/ld.so.cache"):
            os.open(path, os.O_RDONLY)

    assert account(lab, read) == ([LIBRARY, "/etc", "/etc/ld.so.cache"], 3, 0)


@pytest.mark.parametrize(
    ("path", "flags"),
    [
        ("/usr/lib/proctor-absent", os.O_RDONLY),
        ("/etc", os.O_RDWR),
        ("/etc/ld.so.cache", os.O_RDWR),
        ("/etc/shadow", os.O_RDONLY),
        ("/usr/lib/../../etc/passwd", os.O_RDONLY),
    ],
)
def test_failures_writing_and_others_are_kept(quiet: CaptureHarness, path: str, flags: int) -> None:
    def attempt() -> None:
        try:
            os.open(path, flags)
        except OSError:
            return

    assert account(quiet, attempt)[1:] == (1, 0)


@pytest.mark.parametrize("namespace", ["unshare --mount", "env"])
def test_nothing_is_noise_where_names_may_deceive(
    quiet: CaptureHarness, tmp_path: Path, namespace: str
) -> None:
    (tmp_path / "secret").write_text("secret")
    (place := tmp_path / "locale").mkdir()
    script = f"""
        mount --bind /usr/share/locale {place} && mount --bind {tmp_path} /usr/share/locale || exit 3
        cat /usr/share/locale/secret
        umount /usr/share/locale {place}
    """

    session = quiet.run([*namespace.split(), "sh", "-c", script], ["disk"])

    assert session.status == 0
    assert "/usr/share/locale/secret" in [event["path"] for event in session.opens]


@pytest.fixture
def library() -> Iterator[Path]:
    """A new file where programs have theirs."""
    with tempfile.NamedTemporaryFile(dir="/usr/lib", prefix="proctor-") as file:
        yield Path(file.name)


def test_file_with_another_name_is_not_noise(quiet: CaptureHarness, library: Path) -> None:
    def read() -> None:
        os.open(library, os.O_RDONLY)

    assert account(quiet, read) == ([], 1, 1)
    other = library.with_suffix(".other")
    os.link(library, other)
    try:
        assert account(quiet, read) == ([str(library)], 1, 0)
    finally:
        other.unlink()
