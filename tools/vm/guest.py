# SPDX-License-Identifier: Apache-2.0
"""One guest: boots, runs a command on the host's root, and is gone."""

from __future__ import annotations

import codecs
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
_HERE = Path(__file__).parent
_SCRIPTS = ("start", "finish")
_QUIET_UNITS = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer", "avahi-daemon.socket"),
    *("systemd-timesyncd.service", "systemd-udev-trigger.service", "getty@tty1.service"),
)
_BOOT = (
    *("console=ttyS0", "quiet", "loglevel=3", "panic=-1", "mitigations=off", "audit=0"),
    *("lsm=capability,bpf", "systemd.unified_cgroup_hierarchy=1", "systemd.show_status=0"),
    *(f"systemd.mask={unit}" for unit in _QUIET_UNITS),
)
_MACHINE = (
    *("-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-smp", "2", "-m", "3G"),
    *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"),
)


@dataclass(frozen=True)
class Task:
    """What a guest is to do, with ``systemd`` as one of its services, with at, cron and dbus beside it."""

    command: Sequence[str]
    environment: Mapping[str, str]
    seconds: float
    systemd: bool = False

    def script(self) -> str:
        """As the shell in the guest runs it."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return f"cd {shlex.quote(str(ROOT))} && exec {shlex.join(['env', *variables, *self.command])}\n"


def run(kernel: Kernel, task: Task) -> int:
    """Boot ``kernel`` and run the command as root; its exit status.

    What the command writes is shown as it comes and kept in a log. What it leaves in ``EXCHANGE`` is in
    ``results(series)`` afterwards. Raises RunError when the guest ends without having run it, or not in time.
    """
    exchange = Path(tempfile.mkdtemp(prefix="vm-", dir=_made(CACHE)))
    try:
        _fill(exchange, task)
        initramfs.build(kernel, exchange / "initramfs")
        _boot(_arguments(kernel, exchange), task.seconds, LOGS / f"vm-{kernel.series}.log")
        status = exchange / "status"
        if not status.exists() or not status.read_text().strip():
            raise RunError(f"the guest with Linux {kernel.release} ended before its command did")
        return int(status.read_text())
    finally:
        shutil.rmtree(results(kernel.series), ignore_errors=True)
        exchange.rename(results(kernel.series))


def _fill(exchange: Path, task: Task) -> None:
    for name in _SCRIPTS:
        shutil.copy(_HERE / f"{name}.sh", exchange / name)
    if task.systemd:
        shutil.copytree(_HERE / "systemd", exchange / "systemd")
    (exchange / "command").write_text(task.script())


def results(series: str) -> Path:
    """The directory of what the last guest left."""
    return CACHE / f"results-{series}"


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
        *("-kernel", str(kernel.image), "-initrd", str(exchange / "initramfs"), "-append", " ".join(_BOOT)),
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
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with log.open("wb") as copy:
        while part := machine.stdout.read1():  # type: ignore[attr-defined]
            copy.write(part)
            copy.flush()
            sys.stdout.write(decoder.decode(part).replace("\r", ""))
            sys.stdout.flush()
