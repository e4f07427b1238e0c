# SPDX-License-Identifier: Apache-2.0
"""Where a technique is tried: a directory with a program to run, a file to read and a port to reach.

The program proves that it ran by writing its word to the file ``ran``, and so does who has read the file.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from proctor.captureproto.byte_text import to_text
from testing.evasion.catalogue import TECHNIQUES, WORD, Technique

_MARK = """
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Says its last argument to the file "ran" of its directory, which may have become the root. */
int main(int argc, char **argv)
{
	const char *word = argv[argc - 1];
	int proof = open(RAN, O_WRONLY | O_CREAT | O_APPEND, 0666);

	if (proof < 0)
		proof = open("/ran", O_WRONLY | O_CREAT | O_APPEND, 0666);
	return write(proof, word, strlen(word)) < 0;
}
"""


class Port:
    """A port of the loopback, TCP and UDP, IPv4 and IPv6, without a listener."""

    def __init__(self) -> None:
        """Listen."""
        self._stream = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.number: int = self._stream.getsockname()[1]
        self._datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._datagrams.bind(("::", self.number))

    def reached(self) -> bool:
        """Whether a connection or a datagram waits."""
        poller = select.poll()
        poller.register(self._stream, select.POLLIN)
        poller.register(self._datagrams, select.POLLIN)
        return bool(poller.poll(0))

    def close(self) -> None:
        """Stop listening."""
        self._stream.close()
        self._datagrams.close()


class TechniqueSandbox:
    """One technique's directory, made ready to be run from."""

    def __init__(self, directory: Path, technique: Technique, port: Port, other: int) -> None:
        """Build the program and what it is to find; ``other`` is a process outside of the session."""
        self.directory = directory
        self.technique = technique
        self._port = port
        self.port = port.number
        self.other = self.recorder = other
        (directory / "secret").write_text(f"{WORD}\n")
        directory.chmod(0o755)
        self._compile(_MARK, "mark", "-static", "-Os", f'-DRAN="{directory / "ran"}"')
        self.argv = self._prepare()

    @property
    def worked(self) -> bool:
        """Whether the technique did what it is for."""
        proof = self.directory / "ran"
        return self._port.reached() or (proof.exists() and WORD in proof.read_text(errors="replace"))

    @property
    def hidden(self) -> str:
        r"""The path that must be seen to be opened; in a trace, @ is the directory, and \x27 a byte."""
        trace = (self.technique.trace or "@/secret").replace("@", str(self.directory), 1)
        return to_text(trace.encode().decode("unicode_escape").encode("latin-1"))

    @property
    def environment(self) -> dict[str, str]:
        """What the technique finds in its environment; nothing else does it need to know."""
        return {
            "PATH": os.defpath + ":/usr/sbin:/sbin",
            "HOME": str(self.directory),
            "PORT": str(self.port),
            "OTHER": str(self.other),
            "RECORDER": str(self.recorder),
        }

    def enter(self) -> None:
        """Become the technique; for a child of a fork."""
        os.chdir(self.directory)
        os.execvpe(self.argv[0], self.argv, self.environment)

    def _prepare(self) -> list[str]:
        source = self.technique.path
        match source.suffix:
            case ".sh":
                return ["/bin/bash", str(shutil.copy(source, self.directory))]
            case ".py":
                return [sys.executable, str(shutil.copy(source, self.directory))]
            case _:
                shutil.copy(source, self.directory)
                self._compile(source, "technique", f"-I{TECHNIQUES}", *self.technique.flags)
                return ["./technique"]

    def _compile(self, source: Path | str, name: str, *flags: str) -> None:
        given = [str(source)] if isinstance(source, Path) else ["-x", "c", "-"]
        subprocess.run(
            ["gcc", "-w", "-o", str(self.directory / name), *given, *flags],
            input=source if isinstance(source, str) else None,
            text=True,
            check=True,
            capture_output=True,
        )


@contextmanager
def ground(technique: Technique) -> Iterator[TechniqueSandbox]:
    """A place made ready for ``technique``, which any user may enter; gone after the context."""
    port = Port()
    other = subprocess.Popen(["sleep", "infinity"])
    try:
        with TemporaryDirectory(prefix="ground-", ignore_cleanup_errors=True) as directory:
            yield TechniqueSandbox(Path(directory), technique, port, other.pid)
    finally:
        other.kill()
        other.wait()
        port.close()
