# SPDX-License-Identifier: Apache-2.0
"""Selects the object and the programs that this kernel takes: by loading them, never by version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from proctor.capture.kernel.kernel_features import HOOKS, OPTIONAL, REQUIRED, VARIANTS, Variant, named
from proctor.capture.kernel.loader import ENDING, LoadRequest, Programs, RingSizes
from proctor.capture.state.pins import Manifest, Pins

_REFUSED = re.compile(r"prog '(\w+)': failed to load: (-?\d+)")


SECURITY_MODULES = Path("/sys/kernel/security/lsm")


class RefusedProgram(NamedTuple):
    """A program that the kernel does not take, and its errno."""

    program: str
    code: int


class LoadedPrograms(NamedTuple):
    """The loaded object, its variant, and the programs that the kernel refused."""

    programs: Programs
    variant: Variant
    refused: tuple[RefusedProgram, ...]
    without: frozenset[str]


def load(sizes: RingSizes, without: Iterable[str] = ()) -> LoadedPrograms:
    """Load the first variant that the kernel takes with all its hooks, or the first that it takes at all.

    The features in ``without`` are left out. Raises OSError as the last variant does when the kernel takes
    none, Unavailable as ``Programs`` does.
    """
    lacking = frozenset(without) | (frozenset() if security_module() else {"lsm"})
    skipped = frozenset(chain.from_iterable(OPTIONAL.get(name, ()) for name in lacking))
    taken: list[LoadedPrograms] = []
    for variant in (candidates := _candidates(lacking)):
        try:
            loaded = _load(sizes, variant, skipped, each_call="sys_exit" in lacking)
        except OSError:
            if variant is candidates[-1] and not taken:
                raise
            continue
        taken.append(loaded)
        if HOOKS.isdisjoint(refusal.program for refusal in loaded.refused):
            return loaded
    return taken[0]


def security_module() -> bool:
    """Does the kernel ask programs as one of its security modules? It takes them even when it does not."""
    try:
        return "bpf" in SECURITY_MODULES.read_text().split(",")
    except OSError:
        return False


def _candidates(lacking: frozenset[str]) -> list[Variant]:
    return [variant for variant in VARIANTS if lacking & VARIANTS[-1].lacks <= variant.lacks]


def take_over(manifest: Manifest, pins: Pins) -> LoadedPrograms:
    """Open what another process has loaded and pinned. Raises OSError."""
    refused = tuple(RefusedProgram(*refusal) for refusal in manifest.refused)
    without = manifest.without - {refusal.program for refusal in refused}
    return LoadedPrograms(Programs.take_over(manifest, pins), named(manifest.variant), refused, without)


def reload(before: Manifest, maps: Mapping[str, int]) -> LoadedPrograms:
    """The object as it is now, for ``maps`` that programs of another version have used. Raises OSError."""
    each_call = "fexit" in before.sections[ENDING]
    sizes, variant = RingSizes(*before.sizes), named(before.variant)
    loaded = _load(sizes, variant, before.without, each_call=each_call, maps=maps)
    loaded.programs.manifest = replace(loaded.programs.manifest, generation=before.generation + 1)
    return loaded


def _load(
    sizes: RingSizes,
    variant: Variant,
    skipped: frozenset[str],
    *,
    each_call: bool,
    maps: Mapping[str, int] | None = None,
) -> LoadedPrograms:
    """All required programs of ``variant``, and of the optional ones what the kernel takes."""
    refused: list[RefusedProgram] = []
    while True:
        try:
            missing = skipped.union(refusal.program for refusal in refused)
            programs = Programs.load(LoadRequest(sizes, variant, missing, each_call), maps)
        except OSError as error:
            refusal = refusal_in(error)
            if refusal is None or refusal.program in REQUIRED or refusal in refused:
                raise
            refused.append(refusal)
        else:
            programs.manifest = replace(programs.manifest, refused=tuple(map(tuple, refused)))
            return LoadedPrograms(programs, variant, tuple(refused), skipped)


def refusal_in(error: OSError) -> RefusedProgram | None:
    """Return the program that ``error`` of ``Programs`` is about; None when it is about none."""
    match = _REFUSED.search(str(error.filename))
    return RefusedProgram(match[1], -int(match[2])) if match else None
