# SPDX-License-Identifier: Apache-2.0
"""The commands as a parent starts them that has closed or changed the standard streams."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proctor.cli import standard_streams
from testing.commands import BIN

PRINTER = """
import sys
from proctor.cli import standard_streams
standard_streams.prepare()
print(sys.argv[1].encode().decode('unicode_escape') * int(sys.argv[2]))
sys.exit(standard_streams.finish())
"""


def printer(
    text: str, times: int, *redirection: str, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Print ``text`` that often, under a shell that redirects the streams."""
    script = f'exec "$0" "$@" {" ".join(redirection)}'
    argv = ["/bin/sh", "-c", script, sys.executable, "-c", PRINTER, text, str(times)]
    return subprocess.run(argv, capture_output=True, check=False, env={**os.environ, **environment})


def test_non_blocking_output_loses_nothing() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    argv = [sys.executable, "-c", PRINTER, "0123456789", "300000"]
    with subprocess.Popen(argv, stdout=writer) as process:
        os.close(writer)
        with open(reader, "rb") as pipe:
            printed = pipe.read()
    assert (len(printed), process.returncode) == (3_000_001, 0)


def test_write_all_waits_for_a_slow_reader() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = os.urandom(1 << 20)

    def write() -> None:
        standard_streams.write_all(writer, data)
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    with open(reader, "rb") as pipe:
        assert pipe.read() == data
    thread.join()


def test_read_waits_on_a_non_blocking_descriptor() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    timer = threading.Timer(0.05, os.write, (writer, b"late"))
    timer.start()
    try:
        assert standard_streams.read(reader, 100) == b"late"
    finally:
        timer.join()
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("closed", [("<&-",), (">&-",), ("2>&-",), ("<&-", ">&-", "2>&-")])
def test_closed_streams_do_not_change_the_status(closed: tuple[str, ...]) -> None:
    done = printer("x", 100_000, *closed)
    assert (done.returncode, done.stderr) == (0, b"")


def test_full_device_is_one_sentence() -> None:
    done = printer("x", 10, ">/dev/full")
    assert done.returncode == 1
    assert done.stderr == b"ERROR: standard output: No space left on device\n"


def test_reader_that_has_gone_is_no_message() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", PRINTER, "x", "10"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_text_that_the_locale_cannot_represent_is_escaped() -> None:
    done = printer("zo\\xeb", 1, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stdout) == (0, b"zo\\xeb\n")


@pytest.mark.parametrize("program", ["tsh", "tctl", "teleport"])
def test_version_of_each_command_on_closed_and_full_output(program: str, tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path)}
    for redirection, status in ((">&-", 0), (">/dev/full", 1)):
        argv = ["/bin/sh", "-c", f"exec {BIN}/{program} version {redirection}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
        assert done.returncode == status
        assert done.stderr.count("\n") == status


@pytest.mark.parametrize(
    ("line", "status", "lines"),
    [
        ("tsh --help >/dev/full", 1, 1),
        ("tctl users --help >/dev/full", 1, 1),
        ("teleport configure >/dev/full", 1, 1),
        ("tsh ls --no-such-option >/dev/full", 2, 2),
        ("tsh ls --no-such-option 2>/dev/full", 2, 0),
        ("tsh ls 2>/dev/full", 1, 0),
        ("tsh ls --no-such-option >&- 2>&-", 2, 0),
    ],
)
def test_help_and_mistakes_with_streams_that_take_nothing(
    tmp_path: Path, line: str, status: int, lines: int
) -> None:
    env = {**os.environ, "HOME": str(tmp_path), "TELEPORT_HOME": str(tmp_path)}
    argv = ["/bin/sh", "-c", f"exec {BIN}/{line}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    assert (done.returncode, done.stderr.count("\n")) == (status, lines), done.stderr
