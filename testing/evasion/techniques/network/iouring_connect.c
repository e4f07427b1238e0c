/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a connection made through io_uring
// Hides: the connection from hooks on system calls
// Seen: connection
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT")))};
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct io_uring_sqe connect = {.opcode = IORING_OP_CONNECT, .fd = tcp, .addr = (long)&to};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connect.off = sizeof to;
	return submit(&ring, connect) < 0;
}
