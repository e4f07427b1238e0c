/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a directory passed as a descriptor, and a path relative to it
// Hides: the directory from who reads the path
// Seen: open
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <unistd.h>

int main(void)
{
	int here = open(".", O_RDONLY | O_DIRECTORY), out = creat("ran", 0666);

	chdir("/");
	return sendfile(out, openat(here, "secret", O_RDONLY), 0, 64) < 0;
}
