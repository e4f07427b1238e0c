/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a port opened by a worker of io_uring, whose success posts no completion
// Hides: that the program waits for connections from hooks on system calls and on the ends of requests
// Seen: listen
// Call: listen
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	struct sockaddr_in here = loopback(0);
	int server = socket(AF_INET, SOCK_STREAM, 0), listens = 0;
	struct io_uring_sqe listen = {.opcode = 57, .flags = IOSQE_ASYNC | SILENT, .fd = server, .len = 4};
	socklen_t size = sizeof(listens);

	bind(server, (void *)&here, sizeof(here));
	hand_in(&ring, &listen, 1);
	UNTIL((getsockopt(server, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size), listens));
	return !listens || proven();
}
