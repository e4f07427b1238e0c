# SPDX-License-Identifier: Apache-2.0
"""The functions that are followed are those of the numbers that the program knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proctor.capture.kernel.hooked_syscalls import CALLS, COMPAT_ONLY, functions

ROOT = Path(__file__).parents[4]
HEADERS = Path("/usr/include/x86_64-linux-gnu/asm")
X32_ONLY = range(512, 1024)
OLD_NAMES = {"umount2": "umount", "clock_settime64": "clock_settime"}
COMPAT_NAMES = {"umount": "oldumount", "stime": "stime32", "clock_settime": "clock_settime32"} | OLD_NAMES


def numbers(table: str) -> set[int]:
    """The numbers in a table of the program."""
    source = (ROOT / "bpf/lib/syscall_table.h").read_text()
    body = re.search(rf"{table}\[NUMBERS\] = {{(.*?)\n}};", source, re.DOTALL)
    assert body
    return {int(number) for number in re.findall(r"\[(\d+)\]", body[1])}


def names(header: str) -> dict[int, str]:
    """System calls by number."""
    defined = re.findall(r"#define __NR_(\w+) (\d+)", (HEADERS / header).read_text())
    return {int(number): name for name, number in defined}


@pytest.mark.parametrize(
    ("table", "header", "renamed"),
    [
        ("native_operations", "unistd_64.h", {"umount2": "umount"}),
        ("compat_operations", "unistd_32.h", COMPAT_NAMES),
    ],
)
def test_every_number_has_its_function(table: str, header: str, renamed: dict[str, str]) -> None:
    known = names(header)
    called = {renamed.get(known[n], known[n]) for n in numbers(table) if n not in X32_ONLY}

    assert called <= {*CALLS, *COMPAT_ONLY}


def test_every_function_has_its_number() -> None:
    called = {names("unistd_64.h").get(n, "") for n in numbers("native_operations")}
    sends_more = {"sendmmsg"}

    assert set(CALLS) - called - sends_more == {"umount"}


def test_each_form_of_a_call() -> None:
    assert {"__x64_sys_openat", "__ia32_compat_sys_openat", "__ia32_sys_socketcall"} <= set(functions())
