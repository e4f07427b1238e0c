# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os

import pytest

from proctor.node.session.stdio import InputWriter, OutputReader
from testing.polling import auntil

PAYLOAD = os.urandom(1_000_000)


class Collector:
    """Callbacks of a reader."""

    def __init__(self) -> None:
        self.data = b""
        self.ended = 0

    def received(self, data: bytes) -> None:
        self.data += data

    def end(self) -> None:
        self.ended += 1


async def write_all(descriptor: int, data: bytes) -> None:
    await asyncio.to_thread(_write_all, descriptor, data)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.close(descriptor)


async def test_output_arrives_whole_and_ends_once() -> None:
    reading, writing = os.pipe()
    collector = Collector()
    output = OutputReader(reading, collector.received, collector.end)

    await write_all(writing, PAYLOAD)
    await auntil(lambda: collector.ended)
    output.close()

    assert collector.data == PAYLOAD
    assert collector.ended == 1


async def test_paused_output_waits_in_the_kernel() -> None:
    reading, writing = os.pipe()
    collector = Collector()
    output = OutputReader(reading, collector.received, collector.end)
    output.pause()
    os.write(writing, b"later")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert collector.data == b""

    output.resume()
    await auntil(lambda: collector.data == b"later")
    os.close(writing)
    await auntil(lambda: collector.ended)


async def test_finish_takes_what_is_there_though_others_hold_the_other_end() -> None:
    reading, writing = os.pipe()
    collector = Collector()
    output = OutputReader(reading, collector.received, collector.end)
    output.pause()
    os.write(writing, b"last words")

    output.finish()

    assert (collector.data, collector.ended) == (b"last words", 1)
    os.close(writing)


async def test_terminal_ends_when_no_process_has_it_open() -> None:
    master, slave = os.openpty()
    collector = Collector()
    OutputReader(master, collector.received, collector.end)
    os.write(slave, b"bye\n")
    os.close(slave)

    await auntil(lambda: collector.ended)

    assert collector.data == b"bye\r\n"


async def test_input_is_delivered_to_the_end_with_back_pressure() -> None:
    reading, writing = os.pipe()
    reported: list[bool] = []
    stream = InputWriter(writing, reported.append)
    for start in range(0, len(PAYLOAD), 1000):
        stream.write(PAYLOAD[start : start + 1000])
    stream.end()
    assert reported == [True]

    got = await asyncio.to_thread(_read_all, reading)

    assert got == PAYLOAD
    await auntil(lambda: reported == [True, False])


async def test_more_that_comes_when_the_program_caught_up_is_not_lost() -> None:
    reading, writing = os.pipe()
    stream = InputWriter(writing, lambda full: None if full else _more(stream))
    stream.write(PAYLOAD)

    got = await asyncio.to_thread(_read_all, reading)

    assert got == PAYLOAD * 2


def _more(stream: InputWriter) -> None:
    stream.write(PAYLOAD)
    stream.end()


async def test_input_of_a_program_that_reads_no_more_is_dropped() -> None:
    reading, writing = os.pipe()
    reported: list[bool] = []
    stream = InputWriter(writing, reported.append)
    os.close(reading)

    stream.write(PAYLOAD)
    stream.write(PAYLOAD)
    stream.end()

    assert reported == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)


def _read_all(descriptor: int) -> bytes:
    data = b""
    while part := os.read(descriptor, 1 << 16):
        data += part
    os.close(descriptor)
    return data
