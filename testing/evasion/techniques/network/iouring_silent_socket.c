/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a raw socket made by a polling thread of io_uring in a slot, whose success posts no completion
// Hides: the means to send packets of one's own making from hooks on system calls and on the ends of requests
// Seen: socket
// Call: socket
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct io_uring_sqe chain[] = {
		{.opcode = IORING_OP_SOCKET, .flags = IOSQE_IO_LINK | SILENT, .fd = AF_INET, .off = SOCK_RAW, .len = IPPROTO_ICMP},
		{.opcode = IORING_OP_NOP},
	};

	chain[0].file_index = 1;
	slots_of(&ring);
	hand_in(&ring, chain, 2);
	UNTIL(*(volatile unsigned *)(ring.queues + ring.params.cq_off.tail));
	return proven();
}
