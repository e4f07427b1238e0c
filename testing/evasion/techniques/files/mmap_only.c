/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a file that is mapped, never read
// Hides: the file from hooks on read
// Seen: open
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	char *text = mmap(0, 64, PROT_READ, MAP_PRIVATE, open("secret", O_RDONLY), 0);

	return write(creat("ran", 0666), text, 11) < 0;
}
