# SPDX-License-Identifier: Apache-2.0
"""What the kernel of a guest starts from: a shell, modules, and a script that mounts the host's root."""

from __future__ import annotations

from pathlib import Path

from tools.runner.console import RunError
from tools.vm.archive import Archive
from tools.vm.kernels import Kernel

_BUSYBOX = Path("/usr/bin/busybox"), Path("/bin/busybox")
_SCRIPT = Path(__file__).with_name("init.sh")
_ROOT = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
_TESTS = ("af_packet", "dummy", "ipv6", "loop", "tun", "veth")


def build(kernel: Kernel, path: Path) -> None:
    """Write the initramfs for ``kernel`` to ``path``."""
    archive = Archive()
    for name in ("dev", "proc", "host", "layer", "root"):
        archive.directory(name)
    archive.device("dev/console", 5, 1)
    archive.add("init", _SCRIPT.read_bytes(), executable=True)
    archive.add("bin/busybox", _busybox(), executable=True)
    modules = kernel.modules((*_ROOT, *_TESTS))
    for name, content in modules.items():
        archive.add(f"modules/{name}.ko", content)
    archive.add("modules/order", "".join(f"{name}\n" for name in modules).encode())
    archive.write(path)


def _busybox() -> bytes:
    for path in _BUSYBOX:
        if path.exists():
            return path.read_bytes()
    raise RunError("busybox-static is not installed")
