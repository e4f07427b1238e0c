/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a ring of io_uring that a child inherits, uses, and leaves behind when it ends
// Hides: the connection from who looks at the process that has made the ring
// Seen: connection
#include "uring.h"
#include <sys/wait.h>

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct sockaddr_in to = target();
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct io_uring_sqe connect = connect_to(tcp, &to, SILENT | IOSQE_ASYNC);

	if (!fork())
		_exit(hand_in(&ring, &connect, 1));
	UNTIL(port_of(tcp, getpeername));
	return wait(0) < 0;
}
