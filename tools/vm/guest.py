"""One guest: boots, runs a command on the host's root, and is gone."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools.runner.console import RunError
from tools.runner.paths import LOGS, ROOT
from tools.vm import initramfs
from tools.vm.kernels import CACHE, Kernel

EXCHANGE = Path("/run/vm")
_START = Path(__file__).with_name("start.sh")
_BOOT = (
    "console=ttyS0 quiet loglevel=3 panic=-1 lsm=capability,bpf mitigations=off "
    "audit=0 systemd.unified_cgroup_hierarchy=1"
)
_MACHINE = (
    *("-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-smp", "2", "-m", "3G"),
    *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"),
)


@dataclass(frozen=True)
class Task:
    """What a guest is to do."""

    command: Sequence[str]
    environment: Mapping[str, str]
    seconds: float

    def script(self) -> str:
        """As the shell in the guest runs it."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return f"cd {shlex.quote(str(ROOT))} && exec {shlex.join(['env', *variables, *self.command])}\n"


def run(kernel: Kernel, task: Task) -> int:
    """Boot ``kernel`` and run the command as root; its exit status.

    What the command writes is shown as it comes and kept in a log. What it leaves in ``EXCHANGE`` is in
    ``results(kernel)`` afterwards. Raises RunError when the guest ends without having run it, or not in time.
    """
    exchange = Path(tempfile.mkdtemp(prefix="vm-", dir=_made(CACHE)))
    try:
        shutil.copy(_START, exchange / "start")
        (exchange / "command").write_text(task.script())
        _boot(_arguments(kernel, exchange), task.seconds, LOGS / f"vm-{kernel.series}.log")
        status = exchange / "status"
        if not status.exists() or not status.read_text().strip():
            raise RunError(f"the guest with Linux {kernel.release} ended before its command did")
        return int(status.read_text())
    finally:
        shutil.rmtree(results(kernel), ignore_errors=True)
        exchange.rename(results(kernel))


def results(kernel: Kernel) -> Path:
    """The directory of what the last guest left."""
    return CACHE / f"results-{kernel.series}"


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _arguments(kernel: Kernel, exchange: Path) -> list[str]:
    shares = {
        "host": "path=/,security_model=passthrough,readonly=on,multidevs=remap",
        "exchange": f"path={exchange},security_model=none",
    }
    return [
        *("qemu-system-x86_64", *_MACHINE),
        *("-kernel", str(kernel.image), "-initrd", str(initramfs.build(kernel)), "-append", _BOOT),
        *(part for tag, share in shares.items() for part in ("-virtfs", f"local,mount_tag={tag},{share}")),
    ]


def _boot(arguments: Sequence[str], seconds: float, log: Path) -> None:
    _made(log.parent)
    try:
        machine = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise RunError(f"{arguments[0]}: {error.strerror}; the package is qemu-system-x86") from None
    late = threading.Event()

    def end() -> None:
        late.set()
        machine.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        _show(machine, log)
    finally:
        timer.cancel()
        with suppress(ProcessLookupError):
            machine.kill()
        machine.wait()
    if late.is_set():
        raise RunError(f"the guest was not done within {seconds:g} s; its output is in {log}")


def _show(machine: subprocess.Popen[bytes], log: Path) -> None:
    assert machine.stdout is not None
    with log.open("wb") as copy:
        while part := machine.stdout.read1():  # type: ignore[attr-defined]
            copy.write(part)
            copy.flush()
            sys.stdout.write(part.decode(errors="replace").replace("\r", ""))
            sys.stdout.flush()
