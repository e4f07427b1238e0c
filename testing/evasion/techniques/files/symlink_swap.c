/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a symbolic link that changes while it is opened
// Hides: the file from hooks that resolve the path by themselves, before or after the kernel
// Seen: open
// Flags: -pthread
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <unistd.h>

static void *swap(void *unused)
{
	symlink("secret", "a");
	symlink("/dev/null", "b");
	for (;;)
		renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE);
	return unused;
}

int main(void)
{
	int in, out = creat("ran", 0666);
	pthread_t thread;

	pthread_create(&thread, 0, swap, 0);
	do
		in = open("a", O_RDONLY);
	while (in < 0 || sendfile(out, in, 0, 64) <= 0);
	return 0;
}
