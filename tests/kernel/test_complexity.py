# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from msgspec.structs import replace

from tools.complexity import MOST_VERIFIED, excesses, measure, series, tracked


def test_programs_are_as_simple_as_written_down() -> None:
    known, now = tracked(), measure()

    assert excesses(known.objects, now, comparable=known.kernel == series()) == []


def test_what_is_written_down_is_of_every_object() -> None:
    known = tracked()

    assert known.objects.keys() == measure().keys()
    assert all("proctor_sysexit" in programs for programs in known.objects.values())


def test_growth_is_noticed() -> None:
    before = tracked().objects
    program = before["capture"]["proctor_exit"]
    now = {"capture": {"proctor_exit": replace(program, verified=program.verified * 2)}}

    assert len(excesses(before, now, comparable=True)) == 1
    assert excesses(before, now, comparable=False) == []


def test_the_limit_holds_on_every_kernel() -> None:
    program = replace(tracked().objects["capture"]["proctor_exit"], verified=MOST_VERIFIED + 1)

    assert len(excesses({}, {"capture": {"new": program}}, comparable=False)) == 1
