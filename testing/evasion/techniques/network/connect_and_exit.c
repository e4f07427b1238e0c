/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a connection begun without waiting, by a thread that ends at once
// Hides: the connection from who waits for what becomes of it
// Seen: connection
// Flags: -pthread
#include "uring.h"
#include <pthread.h>

static void *begin(void *tcp)
{
	struct sockaddr_in to = target();

	connect(*(int *)tcp, (void *)&to, sizeof to);
	syscall(SYS_exit, 0);
	return 0;
}

int main(void)
{
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	pthread_t thread;

	pthread_create(&thread, 0, begin, &tcp);
	UNTIL(port_of(tcp, getpeername));
	return 0;
}
