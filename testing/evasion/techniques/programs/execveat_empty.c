/* SPDX-License-Identifier: Apache-2.0 */
// Technique: execveat with AT_EMPTY_PATH
// Hides: the path from who reads the arguments of execve
// Seen: command
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	int file = open("mark", O_PATH | O_CLOEXEC);

	syscall(SYS_execveat, file, "", (char *[]){"mark", "open-sesame", 0}, environ, AT_EMPTY_PATH);
	return 1;
}
