# SPDX-License-Identifier: Apache-2.0
"""Build the BPF objects and the C extensions into the wheel, so that installing needs no compiler."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SUPPORTED = ("linux", "x86_64")


class NativeBuildHook(BuildHookInterface[Any]):
    """``make`` in ``bpf`` and ``native``, then a wheel for this platform and every Python from 3.11 on.

    Elsewhere than on Linux for x86-64 the wheel holds everything but kernel capture.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; raises CalledProcessError when the build fails."""
        if (sys.platform, platform.machine()) != SUPPORTED:
            self.app.display_warning("kernel capture is built on Linux for x86-64 only")
            return
        for directory in ("bpf", "native"):
            make = ["make", "-C", directory, f"PYTHON={sys.executable}"]
            subprocess.run(make, cwd=self.root, check=True)
        if version != "editable":
            build_data["pure_python"] = False
            build_data["tag"] = f"cp311-abi3-{_platform_tag()}"


def _platform_tag() -> str:
    """Runs where glibc is at least as new as here, since the bundled libraries come from here."""
    name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    if name != "glibc":
        raise RuntimeError(f"the C library here is {name}, and wheels are made for glibc")
    major, minor = version.split(".")[:2]
    return f"manylinux_{major}_{minor}_x86_64"
