/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a connection accepted into a slot of io_uring, whose success posts no completion
// Hides: that somebody has connected from hooks on system calls and on the ends of requests
// Seen: accept
// Call: accept
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	struct io_uring_sqe accept = {.opcode = IORING_OP_ACCEPT, .flags = SILENT | IOSQE_ASYNC | IOSQE_IO_LINK};
	struct io_uring_sqe chain[] = {accept, {.opcode = IORING_OP_NOP}};

	slots_of(&ring);
	chain[0].fd = server_with_client();
	chain[0].file_index = 1;
	hand_in(&ring, chain, 2);
	UNTIL(*(volatile unsigned *)(ring.queues + ring.params.cq_off.tail));
	return proven();
}
