/* SPDX-License-Identifier: Apache-2.0 */
// Technique: sendmmsg
// Hides: the traffic from hooks on sendto and sendmsg
// Seen: connection
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT")))};
	struct iovec smoke = {"smoke", 5};
	struct mmsghdr message = {{.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &smoke, .msg_iovlen = 1}};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sendmmsg(socket(AF_INET, SOCK_DGRAM, 0), &message, 1, 0) != 1;
}
