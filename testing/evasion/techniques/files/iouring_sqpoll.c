/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a file opened by the polling thread of io_uring (SQPOLL), without any system call
// Hides: the file from hooks on system calls
// Seen: open
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	struct io_uring_sqe open = {.opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD, .addr = (long)"secret"};
	struct open_how how = {.flags = O_RDONLY};

	open.len = sizeof(how), open.off = (long)&how;
	return sendfile(creat("ran", 0666), submit(&ring, open), 0, 64) < 0;
}
