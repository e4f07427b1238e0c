/* SPDX-License-Identifier: Apache-2.0 */
// Technique: copy_file_range: a file copied by the kernel
// Hides: the file from hooks on read and write
// Seen: open
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
	return copy_file_range(open("secret", O_RDONLY), 0, creat("ran", 0666), 0, 64, 0) <= 0;
}
