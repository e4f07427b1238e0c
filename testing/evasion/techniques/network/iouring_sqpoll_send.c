/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a datagram sent by the polling thread of io_uring (SQPOLL)
// Hides: the datagram from hooks on system calls
// Seen: connection
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT")))};
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec smoke = {"smoke", 5};
	struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &smoke, .msg_iovlen = 1};
	struct io_uring_sqe send = {.opcode = IORING_OP_SENDMSG, .fd = udp, .addr = (long)&message, .len = 1};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return submit(&ring, send) < 0;
}
