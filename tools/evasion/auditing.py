# SPDX-License-Identifier: Apache-2.0
"""The kernel's audit with auditd, by the rules that are usual: logged-in users only, 64 and 32 bit.

Once it has been on, each new task pays for it until the next boot; so it comes last.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from testing.evasion.catalogue import Technique
from testing.evasion.ground import ground
from testing.polling import until
from testing.processes import Process
from tools.evasion import reading
from tools.evasion.observers import Finding, first_line, run

CALLS = {
    "b64": "execve execveat open openat openat2 creat open_by_handle_at connect sendto sendmsg sendmmsg "
    "ptrace process_vm_writev process_vm_readv bpf init_module finit_module kill pidfd_send_signal "
    "pidfd_getfd mount clock_settime kexec_load perf_event_open",
    "b32": "execve execveat open openat creat connect sendto socketcall ptrace init_module kill mount",
}
_ARCHITECTURES = {"b64": ("c000003e", "x86_64"), "b32": ("40000003", "i386")}
_USER = 40507
_CONFIGURATION = """log_file = {directory}/audit.log
log_format = RAW
flush = NONE
max_log_file = 64
max_log_file_action = IGNORE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
local_events = yes
write_logs = yes
"""
_LOGIN = 'echo "$0" >/proc/self/loginuid; exec "$@"'


class Auditd:
    """Names the login (``auid``, ``ses``) in each record."""

    name = "auditd"

    def __init__(self, log: Path) -> None:
        """It writes to ``log``."""
        self._log = log
        self._names = {
            f"{architecture}:{number}": call
            for bits, (architecture, machine) in _ARCHITECTURES.items()
            for call in CALLS[bits].split()
            if (number := _number(machine, call))
        }

    def version(self) -> str:
        """As it says itself."""
        return first_line("auditctl", "-v").removeprefix("auditctl version ")

    def observe(self, technique: Technique) -> Finding:
        """The technique in a login of its own; attributed when a record that shows it names the login."""
        start = self._log.stat().st_size
        with ground(technique) as place:
            run(place, ["/bin/sh", "-c", _LOGIN, str(_USER), *place.argv])
            subprocess.run(["auditctl", "-m", f"end of {place.directory.name}"], check=True)
            events = until(lambda: self._events(start, f"end of {place.directory.name}"), 10, "auditd")
            shown = [event for event in events if reading.audit(event, self._names).shows(place)]
            return Finding(
                place.worked,
                seen=bool(shown),
                attributed=any(f" auid={_USER} " in event[0] for event in shown),
            )

    def _events(self, start: int, end: str) -> list[list[str]]:
        """The records since ``start``, by event, once the one with ``end`` is there."""
        with self._log.open(errors="surrogateescape") as log:
            log.seek(start)
            records = log.read().splitlines()
        if not any(end in record for record in records):
            return []
        events: dict[str, list[str]] = {}
        for record in records:
            _, _, rest = record.partition("msg=audit(")
            events.setdefault(rest.partition(")")[0], []).append(record)
        return list(events.values())


@contextmanager
def running_auditd() -> Iterator[Auditd]:
    """Audit switched on, with an auditd of its own; off again afterwards."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "auditd.conf").write_text(_CONFIGURATION.format(directory=directory))
        daemon = Process(["auditd", "-n", "-c", str(directory)], log=directory / "output")
        try:
            until((directory / "audit.log").exists, 10, "auditd")
            _control("-b", "65536")
            _control("-e", "1")
            for bits, calls in CALLS.items():
                which = ("-F", f"arch={bits}", *(part for call in calls.split() for part in ("-S", call)))
                _control(
                    "-a", "always,exit", *which, "-F", "auid>=1000", "-F", "auid!=unset", "-k", "evasion"
                )
            yield Auditd(directory / "audit.log")
        finally:
            _control("-D")
            _control("-e", "0")
            daemon.stop()


def _control(*arguments: str) -> None:
    subprocess.run(["auditctl", *arguments], check=True, stdout=subprocess.DEVNULL)


def _number(machine: str, call: str) -> str:
    found = subprocess.run(
        ["ausyscall", machine, call, "--exact"], capture_output=True, text=True, check=False
    )
    return "" if found.returncode else found.stdout.strip()
