/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a program in memory only (memfd_create, fexecve)
// Hides: the file from who would look at it
// Seen: command
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	int file = open("mark", O_RDONLY), memory = memfd_create("", MFD_CLOEXEC);
	struct stat status;

	fstat(file, &status);
	sendfile(memory, file, 0, status.st_size);
	fexecve(memory, (char *[]){"", "open-sesame", 0}, environ);
	return 1;
}
