/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a connection that follows a timeout of io_uring, while its program makes no system call until SIGKILL
// Hides: the connection from hooks on system calls, since none ends after it
// Seen: connection
#include "uring.h"
#include <signal.h>
#include <sys/wait.h>

static int late(struct sockaddr_in *to, int tcp)
{
	struct ring ring = ring_of(0);
	struct __kernel_timespec soon = {.tv_nsec = 50000000};
	struct io_uring_sqe chain[] = {
		{.opcode = IORING_OP_TIMEOUT, .flags = IOSQE_IO_HARDLINK, .addr = (long)&soon, .len = 1},
		connect_to(tcp, to, SILENT),
	};

	hand_in(&ring, chain, 2);
	for (;;)
		;
}

int main(void)
{
	struct sockaddr_in to = target();
	int tcp = socket(AF_INET, SOCK_STREAM, 0), child = fork();

	if (!child)
		late(&to, tcp);
	UNTIL(port_of(tcp, getpeername));
	kill(child, SIGKILL);
	return wait(0) < 0;
}
