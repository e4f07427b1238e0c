/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a binary that is deleted between its opening and its execution
// Hides: the file from who would look at it later
// Seen: command
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
	int file = open("mark", O_RDONLY | O_CLOEXEC);

	unlink("mark");
	fexecve(file, (char *[]){"mark", "open-sesame", 0}, environ);
	return 1;
}
