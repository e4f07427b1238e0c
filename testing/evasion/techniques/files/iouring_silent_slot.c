/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a file opened into a slot by a worker of io_uring, whose success posts no completion
// Hides: where the file is: nothing but the name that was given can be seen
// Seen: open
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	char text[64] = "";
	struct io_uring_sqe chain[] = {
		{.opcode = IORING_OP_OPENAT, .flags = IOSQE_IO_LINK | IOSQE_ASYNC | SILENT, .fd = AT_FDCWD, .addr = (long)"secret"},
		{.opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .addr = (long)text, .len = sizeof text},
	};

	chain[0].file_index = 1;
	slots_of(&ring);
	hand_in(&ring, chain, 2);
	UNTIL(*text);
	return write(creat("ran", 0666), text, sizeof text) < 0;
}
