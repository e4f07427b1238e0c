/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a symbolic link opened into a slot of io_uring, below a directory that is given as a descriptor
// Hides: where the file is: its name is another, and no descriptor shows it
// Seen: open
#include "uring.h"

int main(void)
{
	struct ring ring = ring_of(0);
	char text[64] = "";
	struct io_uring_sqe open_slot = {.opcode = IORING_OP_OPENAT, .flags = IOSQE_IO_LINK, .addr = (long)"../link"};
	struct io_uring_sqe read_slot = {.opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .addr = (long)text};
	struct io_uring_sqe chain[] = {open_slot, read_slot};

	mkdir("below", 0777);
	symlink("secret", "link");
	chain[0].fd = open("below", O_PATH);
	chain[0].file_index = 1;
	chain[1].len = sizeof text;
	slots_of(&ring);
	hand_in(&ring, chain, 2);
	UNTIL(*text);
	return write(creat("ran", 0666), text, sizeof text) < 0;
}
