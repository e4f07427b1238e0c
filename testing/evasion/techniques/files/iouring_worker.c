/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a file opened by a worker thread of io_uring (IOSQE_ASYNC)
// Hides: the file from hooks on system calls, and from who looks at the threads of the program
// Seen: open
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	struct io_uring_sqe open = {.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (long)"secret"};

	open.flags = IOSQE_ASYNC;
	return sendfile(creat("ran", 0666), submit(&ring, open), 0, 64) < 0;
}
