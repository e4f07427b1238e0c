# SPDX-License-Identifier: Apache-2.0
"""Debian's packaged kernels, taken apart in a cache; nothing of them is installed."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.runner.console import RunError, step
from tools.runner.paths import BUILD

SERIES = ("6.1", "6.12")
CACHE = BUILD / "vm"
_SUFFIX = re.compile(r"\.ko(\.xz)?$")
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


@dataclass(frozen=True)
class Kernel:
    """A kernel on disk."""

    series: str
    release: str
    image: Path
    tree: Path

    def modules(self, wanted: Sequence[str]) -> dict[str, bytes]:
        """Contents of the modules ``wanted`` and of what they need, in an order in which they load.

        What is built into the kernel is left out. Raises RunError for a module that does not exist.
        """
        files = {_module_name(path.name): path for path in self.tree.rglob("*.ko*")}
        builtin = {_module_name(line) for line in (self.tree / "modules.builtin").read_text().split()}
        loaded: dict[str, bytes] = {}
        for name in wanted:
            self._load(name, files, builtin, loaded)
        return loaded

    def _load(self, name: str, files: dict[str, Path], builtin: set[str], loaded: dict[str, bytes]) -> None:
        if name in loaded or name in builtin:
            return
        if name not in files:
            raise RunError(f"kernel {self.release} has no module {name}")
        content = _content(files[name])
        for needed in _needs(content):
            self._load(needed, files, builtin, loaded)
        loaded[name] = content


def _module_name(path: str) -> str:
    return _SUFFIX.sub("", path.rpartition("/")[2]).replace("-", "_")


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return lzma.decompress(content) if path.suffix == ".xz" else content


def _needs(content: bytes) -> Iterator[str]:
    if found := _DEPENDS.search(content):
        yield from (name.decode().replace("-", "_") for name in found[1].split(b",") if name)


def obtain(series: str) -> Kernel:
    """The newest packaged kernel of ``series``, fetched unless the cache has one.

    Raises RunError when the package sources of this machine have none.
    """
    directory = CACHE / "kernels" / series
    if not (directory / "boot").exists():
        package = _newest(series)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        step(
            f"kernel {series}",
            ["apt-get", "-o", "APT::Sandbox::User=root", "download", package],
            cwd=directory,
        )
        (archive,) = directory.glob("*.deb")
        step(f"unpack kernel {series}", ["dpkg-deb", "--extract", archive, directory / "part"])
        for part in (directory / "part").iterdir():
            part.rename(directory / part.name)
        archive.unlink()
    (image,) = (directory / "boot").glob("vmlinuz-*")
    release = image.name.removeprefix("vmlinuz-")
    return Kernel(series, release, image, directory / "lib/modules" / release)


def _newest(series: str) -> str:
    if not (names := _packages(series)):
        step("package lists", ["apt-get", "update"])
        names = _packages(series)
    if not names:
        raise RunError(f"the package sources of this machine have no Linux {series} for amd64")
    return names[-1]


def _packages(series: str) -> list[str]:
    if shutil.which("apt-cache") is None:
        raise RunError("guests boot Debian's kernels, and there is no apt here to get them with")
    names = subprocess.run(
        ["apt-cache", "pkgnames", f"linux-image-{series}."], capture_output=True, text=True, check=False
    ).stdout.split()
    plain = re.compile(rf"linux-image-{re.escape(series)}\.[0-9]+(\+deb\d+|-\d+)?-amd64")
    return sorted((name for name in names if plain.fullmatch(name)), key=_numbers)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
