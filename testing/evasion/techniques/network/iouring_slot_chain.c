/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a chain of requests by a polling thread: make a socket in a slot, connect it; no completion is posted
// Hides: the connection from who looks for descriptors, and from hooks on calls and on the ends of requests
// Seen: connection
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct sockaddr_in to = target();
	struct io_uring_sqe chain[] = {
		{.opcode = IORING_OP_SOCKET, .flags = IOSQE_IO_LINK | SILENT, .fd = AF_INET, .off = SOCK_STREAM},
		connect_to(0, &to, IOSQE_FIXED_FILE | IOSQE_IO_LINK | SILENT),
		{.opcode = IORING_OP_NOP},
	};

	chain[0].file_index = 1;
	slots_of(&ring);
	hand_in(&ring, chain, 3);
	UNTIL(*(volatile unsigned *)(ring.queues + ring.params.cq_off.tail));
	return 0;
}
