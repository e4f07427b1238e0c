/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a socket that is disconnected (AF_UNSPEC) and connected again
// Hides: the second destination from who remembers one per socket
// Seen: connection
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connect(udp, (void *)&to, sizeof to);
	connect(udp, &none, sizeof none);
	to.sin_port = htons(atoi(getenv("PORT")));
	connect(udp, (void *)&to, sizeof to);
	return write(udp, "smoke", 5) != 5;
}
