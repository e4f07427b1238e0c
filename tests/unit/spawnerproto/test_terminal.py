# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import fcntl
import os
import struct
import termios

from proctor.spawnerproto.terminal import open_terminal, resize

VERASE, ECHO, IUTF8, VINTR = 3, 53, 42, 1


def size_of(descriptor: int) -> tuple[int, int]:
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8)))
    return columns, rows


def test_terminal_has_size_modes_and_owner() -> None:
    modes = [(VERASE, 8), (ECHO, 0), (IUTF8, 1), (VINTR, 255), (128, 38400), (200, 1)]

    master, slave, name = open_terminal(os.getuid(), (100, 30), modes)

    attributes = termios.tcgetattr(slave)
    assert size_of(slave) == (100, 30)
    assert attributes[6][termios.VERASE] == b"\x08"
    assert attributes[6][termios.VINTR] == b"\x00"
    assert not attributes[3] & termios.ECHO
    assert attributes[0] & 0o40000
    status = os.stat(name)
    assert (status.st_uid, status.st_mode & 0o777) == (os.getuid(), 0o620)
    os.close(slave)
    os.close(master)


def test_impossible_sizes_are_cut() -> None:
    master, slave, _ = open_terminal(os.getuid(), (80, 24), [])

    resize(master, 10**9, -5)

    assert size_of(slave) == (65535, 0)
    os.close(slave)
    os.close(master)
