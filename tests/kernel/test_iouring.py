# SPDX-License-Identifier: Apache-2.0
"""What is done through io_uring: inline, by a worker, or by a thread that polls."""

from __future__ import annotations

import errno
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from proctor.model.network import NetworkPolicy
from testing.capture import CaptureHarness, Event, Session
from testing.evasion.catalogue import TECHNIQUES

CLIENT = r"""
#include "uring.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static struct ring ring;
static int flags;

static int done(struct io_uring_sqe request)
{
	request.flags |= flags;
	return submit(&ring, request);
}

static struct sockaddr_in address(const char *port)
{
	return (struct sockaddr_in){AF_INET, htons(atoi(port)), {htonl(INADDR_LOOPBACK)}};
}

static int opened(const char *path, const char *how)
{
	struct io_uring_sqe request = {.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)path};
	struct open_how how_2 = {.flags = O_RDWR | O_CREAT, .mode = 0600};
	int slots[] = {-1, -1};

	if (!strcmp(how, "create")) {
		request.opcode = IORING_OP_OPENAT2;
		request.addr2 = (long)&how_2;
		request.len = sizeof(how_2);
	} else if (!strcmp(how, "slot")) {
		syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, slots, 2);
		request.file_index = 2;
	} else if (!strcmp(how, "silent")) {
		struct io_uring_sqe nothing = {.opcode = IORING_OP_NOP};

		request.flags = IOSQE_CQE_SKIP_SUCCESS;
		ring.requests[0] = request;
		__atomic_store_n((unsigned *)(ring.queues + ring.params.sq_off.tail), 1, __ATOMIC_SEQ_CST);
		return syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, 0, 0) - 1;
	}
	return done(request);
}

static int connected(const char *port, int type)
{
	struct sockaddr_in to = address(port);

	return done((struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT, .fd = socket(AF_INET, type, 0), .addr = (long)&to, .off = sizeof(to)});
}

static int accepted(void)
{
	struct sockaddr_in here = address("0");
	socklen_t size = sizeof(here);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	bind(server, (void *)&here, size);
	listen(server, 1);
	getsockname(server, (void *)&here, &size);
	connect(client, (void *)&here, size);
	return done((struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = server});
}

/* Connections by one request that goes on, one after the other. */
static int accepted_several(int count)
{
	struct sockaddr_in here = address("0");
	socklen_t size = sizeof(here);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	bind(server, (void *)&here, size);
	listen(server, count);
	getsockname(server, (void *)&here, &size);
	for (int i = 0; i < count; i++)
		connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&here, size);
	return done((struct io_uring_sqe){
		.opcode = IORING_OP_ACCEPT, .fd = server, .ioprio = IORING_ACCEPT_MULTISHOT, .user_data = 7});
}

static int sent(const char *port)
{
	struct sockaddr_in to = address(port);
	struct iovec data = {"x", 1};
	struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &data, .msg_iovlen = 1};

	return done((struct io_uring_sqe){
		.opcode = IORING_OP_SENDMSG, .fd = socket(AF_INET, SOCK_DGRAM, 0), .addr = (long)&message, .len = 1});
}

int main(int argc, char **argv)
{
	const char *mode = argv[1], *action = argv[2], *what = argv[3];
	int result = -1;

	ring = ring_of(strcmp(mode, "sqpoll") ? 0 : IORING_SETUP_SQPOLL);
	flags = strcmp(mode, "async") ? 0 : IOSQE_ASYNC;
	if (!strcmp(action, "open"))
		result = opened(what, argv[4]);
	else if (!strcmp(action, "connect"))
		result = connected(what, SOCK_STREAM);
	else if (!strcmp(action, "accept"))
		result = accepted();
	else if (!strcmp(action, "several"))
		result = accepted_several(3);
	else if (!strcmp(action, "send"))
		result = sent(what);
	else if (!strcmp(action, "socket"))
		result = done((struct io_uring_sqe){
			.opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_RAW, .len = IPPROTO_ICMP});
	return result < 0 ? -result : 0;
}
"""
modes = pytest.mark.parametrize("mode", ["inline", "async", "sqpoll"])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MODE ACTION WHAT [HOW]; its status is the errno."""
    directory = tmp_path_factory.mktemp("uring")
    source, program = directory / "client.c", directory / "client"
    source.write_text(CLIENT)
    include = next(TECHNIQUES.rglob("uring.h")).parent
    subprocess.run(["gcc", "-O1", f"-I{include}", "-o", program, source], check=True)
    return program


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def run(
    lab: CaptureHarness, client: Path, *arguments: object, network: NetworkPolicy | None = None
) -> Session:
    return lab.run([str(client), *map(str, arguments)], ["disk", "network"], network=network)


def requested(events: list[Event]) -> list[Event]:
    """Those that were done through io_uring."""
    return [event for event in events if event.get("via") == "io_uring"]


@modes
def test_open(lab: CaptureHarness, client: Path, tmp_path: Path, mode: str) -> None:
    file = tmp_path / "file"
    file.touch()
    session = run(lab, client, mode, "open", tmp_path / "." / "file", "read")

    [event] = requested(session.opens)
    assert session.status == 0
    assert (event["path"], event["flags"]) == (str(file), 0)
    assert event["return_code"] > 2
    assert not [other for other in session.opens if other["path"] == str(file) and other is not event]


@modes
def test_open_that_creates(lab: CaptureHarness, client: Path, tmp_path: Path, mode: str) -> None:
    [event] = requested(run(lab, client, mode, "open", tmp_path / "new", "create").opens)

    assert (event["path"], event["flags"]) == (str(tmp_path / "new"), 0o102)


@modes
def test_open_that_fails(lab: CaptureHarness, client: Path, mode: str) -> None:
    session = run(lab, client, mode, "open", "/nowhere/file", "read")

    [event] = requested(session.opens)
    assert session.status == errno.ENOENT
    assert (event["path"], event["return_code"]) == ("/nowhere/file", -errno.ENOENT)


@pytest.mark.parametrize("how", ["slot", "silent"])
def test_open_without_a_descriptor_to_be_seen(
    lab: CaptureHarness, client: Path, tmp_path: Path, how: str
) -> None:
    (tmp_path / "file").touch()
    session = run(lab, client, "inline", "open", tmp_path / "file", how)

    [event] = requested(session.opens)
    assert session.status == 0
    assert (event["path"], event["return_code"]) == (str(tmp_path / "file"), 0)


@modes
def test_connect(lab: CaptureHarness, client: Path, port: int, mode: str) -> None:
    session = run(lab, client, mode, "connect", port)

    events = session.connections
    assert session.status == 0
    assert requested(events) == events
    assert {event["dst_port"] for event in events} == {port}
    results = [(event["event"], event["return_code"]) for event in events]
    assert results in (
        [("session.network", 0)],
        [("session.network", -errno.EINPROGRESS), ("session.outcome", 0)],
    )


@modes
def test_connect_refused(lab: CaptureHarness, client: Path, port: int, mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]

    session = run(lab, client, mode, "connect", closed)

    results = [(event["event"], event["return_code"]) for event in requested(session.connections)]
    refused = -errno.ECONNREFUSED
    assert session.status == errno.ECONNREFUSED
    assert results in (
        [("session.network", refused)],
        [("session.network", -errno.EINPROGRESS), ("session.outcome", refused)],
    )


@modes
def test_connect_denied(lab: CaptureHarness, client: Path, port: int, mode: str) -> None:
    session = run(lab, client, mode, "connect", port, network=NetworkPolicy(allow=()))

    [event] = requested(session.connections)
    assert session.status == errno.EPERM
    assert (event["action"], event["return_code"], event["dst_port"]) == (1, -errno.EPERM, port)


@modes
def test_accept(lab: CaptureHarness, client: Path, mode: str) -> None:
    session = run(lab, client, mode, "accept", "")

    [event] = requested(session.connections)
    [connect] = [other for other in session.connections if other["operation"] == 0]
    assert (event["operation"], event["return_code"]) == (2, 0)
    assert (event["src_port"], event["dst_port"]) == (connect["dst_port"], connect["src_port"])


@pytest.mark.parametrize("mode", ["inline", "sqpoll"])
def test_accept_several_by_one_request(lab: CaptureHarness, client: Path, mode: str) -> None:
    session = run(lab, client, mode, "several", "")

    ports = [event["src_port"] for event in session.connections if event["operation"] == 0]
    accepts = requested(session.connections)
    assert len(ports) == 3
    assert [event["dst_port"] for event in accepts] == ports
    assert {(event["operation"], event["return_code"]) for event in accepts} == {(2, 0)}


@modes
def test_datagram(lab: CaptureHarness, client: Path, mode: str) -> None:
    session = run(lab, client, mode, "send", 9)

    [event] = requested(session.connections)
    assert (event["operation"], event["protocol"]) == (1, "udp")
    assert (event["dst_port"], event["return_code"]) == (9, 0)


@modes
@pytest.mark.parametrize("network", [None, NetworkPolicy(allow=())], ids=["free", "restricted"])
def test_raw_socket(lab: CaptureHarness, client: Path, mode: str, network: NetworkPolicy | None) -> None:
    session = run(lab, client, mode, "socket", "", network=network)

    [event] = requested(session.connections)
    assert (event["operation"], event["protocol"], event["action"]) == (4, "icmp", int(network is not None))
