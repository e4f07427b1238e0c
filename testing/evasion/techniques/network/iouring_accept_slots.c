/* SPDX-License-Identifier: Apache-2.0 */
// Technique: connections accepted into slots of io_uring, one after the other by one request of a polling thread
// Hides: that somebody has connected from who looks for descriptors
// Seen: accept
// Call: accept
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct io_uring_sqe accept = {.opcode = IORING_OP_ACCEPT, .ioprio = IORING_ACCEPT_MULTISHOT};

	slots_of(&ring);
	accept.fd = server_with_client();
	accept.file_index = IORING_FILE_INDEX_ALLOC;
	hand_in(&ring, &accept, 1);
	UNTIL(*(volatile unsigned *)(ring.queues + ring.params.cq_off.tail));
	return proven();
}
