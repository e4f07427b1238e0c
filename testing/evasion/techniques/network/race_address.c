/* SPDX-License-Identifier: Apache-2.0 */
// Technique: an address that another thread changes while the kernel copies it
// Hides: the destination from hooks that read it at the entry of the system call
// Seen: connection
// Flags: -pthread
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in to = {.sin_family = AF_INET};
static in_port_t port;

static void *flip(void *unused)
{
	for (;;) {
		*(volatile in_port_t *)&to.sin_port = htons(9);
		*(volatile in_port_t *)&to.sin_port = port;
	}
	return unused;
}

int main(void)
{
	pthread_t thread;
	int tries = 0;

	port = htons(atoi(getenv("PORT")));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pthread_create(&thread, 0, flip, 0);
	while (connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&to, sizeof to) && tries++ < 1000)
		;
	return 0;
}
