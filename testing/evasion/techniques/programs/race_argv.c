/* SPDX-License-Identifier: Apache-2.0 */
// Technique: arguments that another thread changes while execve copies them
// Hides: the arguments from hooks that read them at the entry of the system call
// Seen: command
// Flags: -pthread
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char word[16] = "open-sesame";

static void *flip(void *unused)
{
	for (;;) {
		memcpy(word, "harmless-ho", 11);
		memcpy(word, "open-sesame", 11);
	}
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, 0, flip, 0);
	for (int tries = 0; tries < 200; tries++) {
		if (vfork() == 0) {
			execl("./mark", "mark", word, (char *)0);
			_exit(1);
		}
		wait(0);
	}
	return 0;
}
