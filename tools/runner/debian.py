# SPDX-License-Identifier: Apache-2.0
"""System packages, on Debian and Ubuntu."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.runner.console import RunError, say, step

BUILD_PACKAGES = (
    "clang",
    "gcc",
    "libbpf-dev",
    "libc6-dev",
    "libelf-dev",
    "make",
    "pkg-config",
    "python3-dev",
    "python3-venv",
    "zlib1g-dev",
)
DEMO_PACKAGES = ("ca-certificates", "curl")
TEST_PACKAGES = (
    "at",
    "busybox-static",
    "cron",
    "curl",
    "docker.io",
    "expect",
    "gawk",
    "gdb",
    "git",
    "iproute2",
    "jq",
    "less",
    "openssh-client",
    "openssh-server",
    "openssl",
    "perl",
    "rsync",
    "rsyslog",
    "screen",
    "socat",
    "strace",
    "sudo",
    "systemd",
    "tmux",
    "tree",
    "vim",
)
GUEST_PACKAGES = ("busybox-static", "dbus", "qemu-system-x86", "systemd")
FUZZ_PACKAGES = (*TEST_PACKAGES, "libclang-rt-dev")  # the runtimes of the sanitizers and of libFuzzer
EVASION_PACKAGES = (*TEST_PACKAGES, "auditd", "bpftrace")
BROWSER_PACKAGES = ("chromium", "fonts-dejavu-core")
_OS_RELEASE = Path("/etc/os-release")


def test_packages() -> tuple[str, ...]:
    """What all tests need; the browser only where it is a package (on Ubuntu its tests are skipped)."""
    return (*TEST_PACKAGES, *BROWSER_PACKAGES) if is_debian() else TEST_PACKAGES


def is_debian() -> bool:
    """Whether every program that a test runs is a package of this distribution."""
    system = _OS_RELEASE.read_text() if _OS_RELEASE.exists() else ""
    return "ID=debian" in system.splitlines()


def missing(packages: Sequence[str]) -> list[str]:
    """Those of ``packages`` that are not installed; empty where there is no dpkg to ask."""
    if shutil.which("dpkg-query") is None:
        return []
    query = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${binary:Package} ${db:Status-Abbrev}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = (line.split() for line in query.stdout.splitlines())
    installed = {row[0].partition(":")[0] for row in rows if row[1:] == ["ii"]}
    return [package for package in packages if package not in installed]


def install(packages: Sequence[str]) -> None:
    """Install what is missing of ``packages``; RunError when that needs rights we do not have."""
    wanted = missing(packages)
    if not wanted:
        return
    say(f"  system packages: {' '.join(wanted)}")
    if os.geteuid() != 0:
        raise RunError(
            "These system packages are missing, and only root can install them:\n"
            f"  {' '.join(wanted)}\n"
            f"Run once as root:  apt-get install {' '.join(wanted)}"
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    step("package lists", ["apt-get", "update"], env=quiet)
    step("system packages", ["apt-get", "install", "--yes", "--no-install-recommends", *wanted], env=quiet)
