/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a file opened through io_uring
// Hides: the file from hooks on system calls
// Seen: open
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	struct io_uring_sqe open = {.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)"secret"};

	return sendfile(creat("ran", 0666), submit(&ring, open), 0, 64) < 0;
}
