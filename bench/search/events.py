# SPDX-License-Identifier: Apache-2.0
"""Events as nodes send them, in the amounts of a large cluster, the same in each run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from proctor.audit.logs_file import FileLog
from proctor.core.clock import FakeClock, format_time

CLUSTER = "example.com"
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 20
BATCH = 5000
USERS, HOSTS, FILES, SESSION_EVENTS = 200, 50, 20_000, 500
NEEDLE_EVERY = 100_000
"""One command in so many events has a word of its own, ``needle-<number of the event>``."""

_COMMON = b'"login":"root","namespace":"default","pid":%d,"process_euid":0,"process_uid":1000,"program":"%s",'
_WHERE = b'"server_hostname":"node-%d","server_id":"%s","sid":"%s",'
_TAIL = b'"time":"%s","uid":"%s%012x","user":"%s"}\n'
_HEAD = b'{%s"cgroup_id":%d,"cluster_name":"example.com","code":"%s",'


class Generator:
    """Makes lines; everything is random but for the seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.users = [b"user-%d" % number for number in range(USERS)]
        self.hosts = [self._uuid() for _ in range(HOSTS)]
        self.sids: list[bytes] = []
        directories = (
            b"/usr/lib/python3.11",
            b"/etc",
            b"/var/lib/app",
            b"/usr/lib/x86_64-linux-gnu",
            b"/home",
        )
        self.files = [
            b"%s/%s-%d" % (directories[n % 5], b"conf lib data so".split()[n % 4], n) for n in range(FILES)
        ]
        self._programs = [b"bash", b"python3", b"curl", b"ls", b"grep", b"git", b"make"]
        self._number = 0

    def _uuid(self) -> bytes:
        return str(UUID(int=self._random.getrandbits(128), version=4)).encode()

    def _session(self) -> None:
        self._user = self._random.choice(self.users)
        self._host = self._random.randrange(HOSTS)
        self._sid, self._cgroup = self._uuid(), 1000 + self._number // SESSION_EVENTS
        self._uid = self._uuid()[:24]
        self.sids.append(self._sid)

    def lines(self, count: int, step: timedelta, start: datetime) -> bytes:
        """The next ``count`` events, ``step`` apart."""
        found = []
        for index in range(count):
            if self._number % SESSION_EVENTS == 0:
                self._session()
            found.append(self._line(format_time(start + index * step).encode()))
            self._number += 1
        return b"".join(found)

    def _line(self, time: bytes) -> bytes:
        chance, pick = self._random.random(), self._random.choice
        number, pid = self._number % SESSION_EVENTS, 2000 + self._number // 7 % 30_000
        where = _WHERE % (self._host, self.hosts[self._host], self._sid)
        tail = _TAIL % (time, self._uid, self._number, self._user)
        common = _COMMON % (pid, pick(self._programs))
        if number in (0, SESSION_EVENTS - 1):
            return self._edge(number == 0, where, tail)
        if self._number % NEEDLE_EVERY == NEEDLE_EVERY // 2:
            chance = 0.9
        if chance < 0.8:
            path = pick(self.files) if chance < 0.78 else b"/tmp/tmp-%x" % self._random.getrandbits(40)
            head = _HEAD % (b"", self._cgroup, b"T4001I")
            return (
                head + b'"ei":%d,"event":"session.disk","flags":0,' % number
                + common.replace(b'"pid"', b'"path":"%s","pid"' % path) + b'"return_code":3,' + where + tail
            )  # fmt: skip
        if chance < 0.93:
            return self._command(number, common, where, tail)
        address = b"10.%d.%d.%d" % (self._host, self._number // 1000 % 256, self._random.randrange(256))
        head = _HEAD % (b'"action":0,', self._cgroup, b"T4002I")
        return (
            head + b'"dst_addr":"%s","dst_port":%d,"ei":%d,' % (address, pick((22, 80, 443, 5432)), number)
            + b'"event":"session.network",' + common.replace(b'"pid"', b'"operation":0,"pid"')
            + where + b'"src_addr":"10.0.0.%d",' % self._host + tail[:-2] + b',"version":4}\n'
        )  # fmt: skip

    def _command(self, number: int, common: bytes, where: bytes, tail: bytes) -> bytes:
        word = self._random.choice(self.files)
        if self._number % NEEDLE_EVERY == NEEDLE_EVERY // 2:
            word = b"needle-%d" % self._number
        head = _HEAD % (b'"argv":["-l","%s"],' % word, self._cgroup, b"T4000I")
        middle = b'"ei":%d,"event":"session.command",' % number
        path = b'"path":"/usr/bin/ls","pid"'
        return head + middle + common.replace(b'"pid"', path) + b'"return_code":0,' + where + tail

    def _edge(self, begins: bool, where: bytes, tail: bytes) -> bytes:
        if begins:
            head = _HEAD % (b"", self._cgroup, b"T2000I")
            return (
                head
                + b'"ei":0,"event":"session.start","login":"root","namespace":"default",'
                + where
                + (b'"size":"80:25",' + tail)
            )
        head = _HEAD % (b"", self._cgroup, b"T2004I")
        middle = b'"ei":%d,"enhanced_recording":true,"event":"session.end",' % (SESSION_EVENTS - 1)
        return head + middle + (
            b'"interactive":true,"login":"root","namespace":"default","participants":["%s"],' % self._user
            + where + tail
        )  # fmt: skip


def fill(root: Path, host: str, count: int) -> Generator:
    """Append ``count`` events to the log in ``root``, spread over DAYS; the generator that made them."""
    clock, generator = FakeClock(START), Generator()
    log = FileLog(root / "log", host, clock, cluster_name=CLUSTER)
    step = timedelta(days=DAYS) / count
    for first in _batches(count):
        size = min(BATCH, count - first)
        log.append("node/bench/1", first + 1, generator.lines(size, step, START + first * step))
        clock.advance((size * step).total_seconds())
    log.close()
    return generator


def _batches(count: int) -> Iterator[int]:
    return iter(range(0, count, BATCH))
