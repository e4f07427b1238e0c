/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a datagram by the polling thread of io_uring, whose success posts no completion
// Hides: the datagram from hooks on system calls and on the ends of requests
// Seen: connection
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct sockaddr_in to = target();
	struct iovec smoke = {"smoke", 5};
	struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &smoke, .msg_iovlen = 1};
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct io_uring_sqe send = {.opcode = IORING_OP_SENDMSG, .flags = SILENT, .fd = udp, .addr = (long)&message, .len = 1};

	hand_in(&ring, &send, 1);
	UNTIL(port_of(udp, getsockname));
	return 0;
}
