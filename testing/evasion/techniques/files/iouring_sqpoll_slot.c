/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a file opened into a slot by the polling thread of io_uring, and read there
// Hides: where the file is from who looks for descriptors
// Seen: open
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(IORING_SETUP_SQPOLL);
	char text[64] = "";
	struct io_uring_sqe chain[] = {
		{.opcode = IORING_OP_OPENAT, .flags = IOSQE_IO_LINK, .fd = AT_FDCWD, .addr = (long)"secret"},
		{.opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .addr = (long)text, .len = sizeof text},
	};

	chain[0].file_index = 1;
	slots_of(&ring);
	hand_in(&ring, chain, 2);
	UNTIL(*text);
	return write(creat("ran", 0666), text, sizeof text) < 0;
}
