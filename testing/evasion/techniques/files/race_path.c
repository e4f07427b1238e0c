/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a path that another thread changes while the kernel copies it
// Hides: the file from hooks that read the path at the entry or the exit of the system call
// Seen: open
// Flags: -pthread
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

static volatile char path[16] = "secret";

static void *flip(void *unused)
{
	for (;;) {
		path[1] = 'E';
		path[1] = 'e';
	}
	return unused;
}

int main(void)
{
	int in = -1, out = creat("ran", 0666);
	pthread_t thread;

	pthread_create(&thread, 0, flip, 0);
	while (in < 0)
		in = open((char *)path, O_RDONLY);
	return sendfile(out, in, 0, 64) < 0;
}
