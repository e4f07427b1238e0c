/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a connection by the polling thread of io_uring, whose success posts no completion
// Hides: the connection from hooks on system calls and on the ends of requests
// Seen: connection
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct sockaddr_in to = target();
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct io_uring_sqe connect = connect_to(tcp, &to, SILENT);

	hand_in(&ring, &connect, 1);
	UNTIL(port_of(tcp, getpeername));
	return 0;
}
