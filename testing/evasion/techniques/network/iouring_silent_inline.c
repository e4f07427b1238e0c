/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a connection inside of io_uring_enter, whose success posts no completion
// Hides: the connection from hooks on the ends of requests
// Seen: connection
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	struct sockaddr_in to = target();
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct io_uring_sqe connect = connect_to(tcp, &to, SILENT);

	hand_in(&ring, &connect, 1);
	UNTIL(port_of(tcp, getpeername));
	return 0;
}
