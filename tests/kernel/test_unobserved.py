# SPDX-License-Identifier: Apache-2.0
"""What completes where no hook runs is reported before, and the account of attempts comes out even."""

from __future__ import annotations

import errno
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.capture import CaptureHarness, Event, Session, assert_balanced
from testing.evasion.catalogue import TECHNIQUES

CLIENT = r"""
#include "uring.h"

#include <string.h>

static void end_seen(struct ring *ring)
{
	UNTIL(*(volatile unsigned *)(ring->queues + ring->params.cq_off.tail));
}

/* A request and one behind it, whose end can be waited for. */
static void chained(struct ring *ring, struct io_uring_sqe request, int flags)
{
	struct io_uring_sqe chain[] = {request, {.opcode = IORING_OP_NOP}};

	chain[0].flags |= flags | SILENT | IOSQE_IO_LINK;
	hand_in(ring, chain, 2);
	end_seen(ring);
}

static int bound(int type)
{
	struct sockaddr_in here = loopback(0);
	int server = socket(AF_INET, type, 0);

	bind(server, (void *)&here, sizeof(here));
	return server;
}

int main(int argc, char **argv)
{
	const char *mode = argv[1], *action = argv[2], *what = argv[3];
	struct ring ring = ring_of(strcmp(mode, "sqpoll") ? 0 : IORING_SETUP_SQPOLL);
	int flags = strcmp(mode, "async") ? 0 : IOSQE_ASYNC;
	struct sockaddr_in to = loopback(atoi(what));
	struct iovec data = {"x", 1};
	struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &data, .msg_iovlen = 1};
	struct io_uring_sqe open = {.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)what};
	struct io_uring_sqe chain[] = {open, open};

	slots_of(&ring);
	if (!strcmp(action, "connect"))
		chained(&ring, connect_to(socket(AF_INET, SOCK_STREAM, 0), &to, 0), flags);
	else if (!strcmp(action, "associate"))
		chained(&ring, connect_to(socket(AF_INET, SOCK_DGRAM, 0), &to, 0), flags);
	else if (!strcmp(action, "send"))
		chained(&ring, (struct io_uring_sqe){.opcode = IORING_OP_SENDMSG, .fd = bound(SOCK_DGRAM),
			.addr = (long)&message, .len = 1}, flags);
	else if (!strcmp(action, "accept"))
		chained(&ring, (struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = server_with_client()}, flags);
	else if (!strcmp(action, "listen"))
		chained(&ring, (struct io_uring_sqe){.opcode = 57, .fd = bound(SOCK_STREAM), .len = 1}, flags);
	else if (!strcmp(action, "socket"))
		chained(&ring, (struct io_uring_sqe){.opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_RAW,
			.len = IPPROTO_ICMP}, flags);
	else if (!strcmp(action, "open"))
		chained(&ring, open, flags);
	else if (!strcmp(action, "slot")) {
		open.file_index = 2;
		chained(&ring, open, flags);
	} else if (!strcmp(action, "broken")) {
		chain[0].addr = (long)"/nowhere/at/all";
		chain[0].flags = flags | SILENT | IOSQE_IO_LINK;
		hand_in(&ring, chain, 2);
		end_seen(&ring);
	} else if (!strcmp(action, "waiting")) {
		hand_in(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = bound(SOCK_STREAM)}, 1);
	}
	return 0;
}
"""
modes = pytest.mark.parametrize("mode", ["inline", "async", "sqpoll"])
SEEN = {"connect": 0, "associate": 0, "send": 1, "accept": 2, "listen": 3, "socket": 4}
"""Actions, and the operation that their event must have."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MODE ACTION WHAT."""
    directory = tmp_path_factory.mktemp("unobserved")
    source, program = directory / "client.c", directory / "client"
    source.write_text(CLIENT)
    subprocess.run(["gcc", "-O1", f"-I{TECHNIQUES}", "-o", program, source], check=True)
    return program


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def run(lab: CaptureHarness, client: Path, *arguments: object) -> Session:
    session = lab.run([str(client), *map(str, arguments)])
    assert_balanced(lab.subscriber.closed(session.sid).account)
    return session


def requested(events: list[Event]) -> list[Event]:
    """Those that were done through io_uring."""
    return [event for event in events if event.get("via") == "io_uring"]


@modes
@pytest.mark.parametrize("action", SEEN)
def test_silent_request_is_one_event(
    lab: CaptureHarness, client: Path, port: int, mode: str, action: str
) -> None:
    session = run(lab, client, mode, action, port)

    [event] = [one for one in requested(session.connections) if one["event"] == "session.network"]
    assert event["operation"] == SEEN[action]
    if action in ("connect", "associate", "send"):
        assert event["dst_port"] == port
        assert event["return_code"] in (0, -errno.EINPROGRESS)
    if action in ("accept", "listen"):
        assert event["src_port"] > 0
    assert event.get("unresolved", False) == (action in ("accept", "socket"))


@modes
def test_outcome_of_a_silent_connection(lab: CaptureHarness, client: Path, port: int, mode: str) -> None:
    session = run(lab, client, mode, "connect", port)

    [outcome] = session.events("session.outcome")
    assert (outcome["dst_port"], outcome["return_code"]) == (port, 0)
    assert outcome["src_port"] > 0


@modes
def test_silent_open_says_where_it_was_looked_for(
    lab: CaptureHarness, client: Path, tmp_path: Path, mode: str
) -> None:
    (tmp_path / "file").touch()
    session = run(lab, client, mode, "open", tmp_path / "file")

    [event] = requested(session.opens)
    assert (event["path"], event["return_code"], event["unresolved"]) == (str(tmp_path / "file"), 0, True)


@modes
def test_directory_is_put_before_a_relative_name(
    lab: CaptureHarness, client: Path, tmp_path: Path, mode: str
) -> None:
    (tmp_path / "file").touch()
    enter = ["/bin/sh", "-c", f'cd {tmp_path} && exec "$@"', "sh", str(client), mode, "open", "./file"]
    session = lab.run(enter)

    [event] = requested(session.opens)
    assert (event["path"], event["unresolved"]) == (f"{tmp_path}/./file", True)


def test_requests_of_a_chain_that_breaks_silently_are_unfinished(lab: CaptureHarness, client: Path) -> None:
    session = lab.run([str(client), "inline", "broken", "/etc/hostname"])
    account = assert_balanced(lab.subscriber.closed(session.sid).account)

    assert account.unfinished == {"disk": 1}
    assert account.started["disk"] == account.submitted["disk"] + 1


def test_a_request_that_waits_when_its_process_ends_leaves_nothing_open(
    lab: CaptureHarness, client: Path
) -> None:
    session = lab.run([str(client), "inline", "waiting", "0"])

    assert assert_balanced(lab.subscriber.closed(session.sid).account).unfinished == {}
