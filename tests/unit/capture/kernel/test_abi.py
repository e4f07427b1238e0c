# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import struct

import pytest

from proctor.capture.kernel import abi
from proctor.capture.kernel.abi import (
    Daemon,
    Flag,
    Hook,
    Knobs,
    Operation,
    ProtectedKind,
    RecordKind,
    Tally,
    Technique,
)
from proctor.capture.kernel.kernel_features import VARIANTS
from proctor.capture.kernel.loader import OBJECTS
from testing import btf

Fields = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module", params=[variant.name for variant in VARIANTS])
def built(request: pytest.FixtureRequest) -> btf.Btf:
    return btf.read(OBJECTS / f"{request.param}.bpf.o")


def layout(fields: Fields) -> btf.Layout:
    found, offset = [], 0
    for name, code in fields:
        found.append(btf.Field(name, offset))
        offset += struct.calcsize("=" + code)
    return btf.Layout(offset, tuple(found))


def embedded(first: str, size: int, fields: Fields) -> btf.Layout:
    """``fields`` behind a struct named ``first``."""
    rest = layout(fields)
    moved = (btf.Field(field.name, field.offset + size) for field in rest.fields)
    return btf.Layout(rest.size + size, (btf.Field(first, 0), *moved))


HEADER = abi.HEADER.size


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("record_header", layout(abi.HEADER_FIELDS)),
        ("file_identity", layout(abi.IDENTITY_FIELDS)),
        ("command_record", embedded("header", HEADER, abi.COMMAND_FIELDS)),
        ("disk_record", embedded("header", HEADER, abi.DISK_FIELDS)),
        ("endpoints", layout(abi.ENDPOINT_FIELDS)),
        ("tamper_record", embedded("header", HEADER, abi.TAMPER_FIELDS)),
        ("network_record", embedded("header", HEADER, (("endpoints", f"{abi.ENDPOINTS.size}s"),))),
        ("knobs", layout(abi.KNOB_FIELDS)),
        ("guarded", layout(abi.GUARDED_FIELDS)),
        ("rules", layout(abi.RULES_FIELDS)),
        ("pattern", btf.Layout(2 * abi.PATTERN_BYTES, (btf.Field("text", 0), btf.Field("mask", 32)))),
        ("policy_key", layout(abi.POLICY_KEY_FIELDS)),
        ("policy_ports", layout(abi.POLICY_PORTS_FIELDS)),
        ("task_state", layout(abi.TASK_STATE_FIELDS)),
        ("delegation", layout(abi.DELEGATION_FIELDS)),
        ("evidence", layout(abi.EVIDENCE_FIELDS)),
        ("place", layout(abi.PLACE_FIELDS)),
        ("order", layout(abi.ORDER_FIELDS)),
        ("job", layout(abi.JOB_FIELDS)),
        ("job_counts", layout(abi.JOB_COUNTS_FIELDS)),
        ("tally", layout(abi.TALLY_FIELDS)),
    ],
)
def test_layouts_are_those_of_the_object(built: btf.Btf, name: str, expected: btf.Layout) -> None:
    assert built.structs[name] == expected


def test_numbers_are_those_of_the_object(built: btf.Btf) -> None:
    kinds = {f"RECORD_{kind.name}": kind.value for kind in RecordKind} | {"RECORD_KINDS": len(RecordKind)}
    assert built.enums["record_kind"] == kinds
    assert built.enums["record_flags"] == {flag.name: flag.value for flag in Flag}
    assert built.enums["network_operation"] == {f"OPERATION_{one.name}": one.value for one in Operation}
    assert built.enums["technique"] == {f"TECHNIQUE_{one.name}": one.value for one in Technique}
    assert built.enums["daemon"] == {f"DAEMON_{one.name}": one.value for one in Daemon}
    assert built.enums["hook"] == {f"HOOK_{one.name}": one.value for one in Hook}
    assert built.enums["guard"] == {f"GUARD_{one.name}": one.value for one in ProtectedKind}
    texts = {f"TEXT_{name.upper()}": index for index, name in enumerate(abi.COMMAND_TEXTS)}
    assert built.enums["command_text"] == texts | {"COMMAND_TEXTS": len(texts)}


def test_tally_is_summed_over_processors() -> None:
    begun, elsewhere = (2, 2, 3, 5, 5, 0, 0, 0, 3, 0), (10, 20, 31, 40, 50, 0, 0, 0, -1, 0)
    first = abi.TALLY.pack(1, 2, 3, 4, 5, 0, 1, 0, 2, 0, 0, 0, 7, 0, 0, *begun, 5)
    second = abi.TALLY.pack(10, 20, 30, 40, 50, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, *elsewhere, -4)

    assert Tally.decode(first + second) == Tally(
        (11, 22, 33, 44, 55), (0, 1, 1, 2, 0), 1, (0, 0, 8, 0, 0), (12, 22, 34, 45, 55), (0, 0, 0, 2, 0)
    )


@pytest.mark.parametrize("raw", [b"", bytes(abi.TALLY.size - 1), bytes(abi.TALLY.size + 1)])
def test_torn_tally(raw: bytes) -> None:
    with pytest.raises(ValueError, match="tally"):
        Tally.decode(raw)


def test_new_tally_counts_the_tasks_once() -> None:
    assert Tally.decode(abi.encode_tally(3, cpus=4)) == Tally(
        (0,) * 5, (0,) * 5, 3, (0,) * 5, (0,) * 5, (0,) * 5
    )


@pytest.mark.parametrize("pages", [1, 2, 8, 128, 1024, 1 << 18])
def test_limits_leave_space_in_every_ring(pages: int) -> None:
    ring = pages * 4096
    command, text, disk, *_ = abi.KNOBS.unpack(Knobs(ring, ring, ring).encode())

    texts = 6 * text + 256
    assert HEADER + abi.COMMAND.size + texts < command <= max(ring // 2, 2048)
    assert disk + HEADER + abi.DISK.size <= ring // 2
