/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a datagram by io_uring's own send with an address (no copy), whose success posts no completion
// Hides: the datagram from hooks on system calls, and from who knows sendmsg only
// Seen: connection
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct sockaddr_in to = target();
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct io_uring_sqe send = {.opcode = IORING_OP_SEND_ZC, .flags = IOSQE_ASYNC, .fd = udp};

	send.addr = (long)"smoke";
	send.len = 5;
	send.addr2 = (long)&to;
	send.addr_len = sizeof to;
	hand_in(&ring, &send, 1);
	UNTIL(port_of(udp, getsockname));
	return 0;
}
