# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from proctor.capture.kernel import loader
from proctor.capture.kernel.kernel_features import OPTIONAL, REQUIRED, SWITCH, VARIANTS, switched_off
from proctor.capture.kernel.object_selection import RefusedProgram, load, refusal_in
from proctor.core.errors import ConfigError, Unavailable


def test_each_variant_asks_less_of_the_kernel_than_the_one_before() -> None:
    assert not VARIANTS[0].lacks
    for newer, older in pairwise(VARIANTS):
        assert newer.lacks < older.lacks
        assert set(newer.limits) <= set(older.limits)


def test_every_variant_is_built() -> None:
    assert all((loader.OBJECTS / f"{variant.name}.bpf.o").is_file() for variant in VARIANTS)


@pytest.mark.parametrize("content", [None, b"", b"no object"])
def test_an_object_that_was_not_built_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    monkeypatch.setattr(loader, "OBJECTS", tmp_path)
    if content is not None:
        (tmp_path / "capture.bpf.o").write_bytes(content)

    with pytest.raises(Unavailable, match=r"capture\.bpf\.o was not built into this installation"):
        load(loader.AUTO)


def test_what_is_required_is_not_optional() -> None:
    assert not REQUIRED & frozenset().union(*OPTIONAL.values())


@pytest.mark.parametrize(
    ("value", "features"),
    [("", set()), ("loop", {"loop"}), (" loop , cgroup_hooks,", {"loop", "cgroup_hooks"})],
)
def test_switch(value: str, features: set[str]) -> None:
    assert switched_off({SWITCH: value}) == features


def test_switch_that_names_nothing_known() -> None:
    with pytest.raises(ConfigError, match="PROCTOR_CAPTURE_WITHOUT names nonsense"):
        switched_off({SWITCH: "loop,nonsense"})


def test_refusal_in_the_complaint_of_the_library() -> None:
    complaint = "libbpf: prog 'proctor_send4': failed to load: -13\n"

    assert refusal_in(OSError(13, "Permission denied", complaint)) == RefusedProgram("proctor_send4", 13)
    assert refusal_in(OSError(12, "Cannot allocate memory", "libbpf: map 'opens': failed to create")) is None


def test_number_of_what_is_no_process() -> None:
    with open(os.devnull) as file, pytest.raises(ProcessLookupError):
        loader.process_number(file.fileno())


def test_number_of_a_process() -> None:
    pidfd = os.pidfd_open(os.getpid())
    try:
        assert loader.process_number(pidfd) == os.getpid()
    finally:
        os.close(pidfd)
