# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.capture.delegation.crontab import CrontabLine, entries


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"* * * * * /bin/true", b"/bin/true"),
        (b"\t 1-5/2  *\t1,2 jan mon  echo  two  words ", b"echo  two  words "),
        (b"@reboot date", b"date"),
        (b"* * * * * mail -s x%first line%second", b"mail -s x"),
        (rb"* * * * * date +\%F\ \%T%input\%", rb"date +%F\ %T"),
        (b"* * * * * \xff", b"\xff"),
    ],
)
def test_command_as_the_shell_gets_it(line: bytes, command: bytes) -> None:
    assert list(entries(line + b"\n", with_users=False)) == [CrontabLine("", command)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   ",
        b"# * * * * * x",
        b"  #x",
        b"PATH=/bin",
        b"  SHELL = /bin/sh x y z a b",
        b"'A B'=c",
        b"* * * * *",
    ],
)
def test_lines_without_a_command(line: bytes) -> None:
    assert list(entries(line + b"\n", with_users=False)) == []


def test_tables_of_the_system_name_users() -> None:
    table = b"MAILTO=root\n17 * * * *\troot\tcd / && x=1 y\n@daily games z\n@daily games\n"

    assert list(entries(table, with_users=True)) == [
        CrontabLine("root", b"cd / && x=1 y"),
        CrontabLine("games", b"z"),
    ]


@given(st.binary(), st.booleans())
def test_any_table(table: bytes, with_users: bool) -> None:
    for entry in entries(table, with_users=with_users):
        assert b"\n" not in entry.command
