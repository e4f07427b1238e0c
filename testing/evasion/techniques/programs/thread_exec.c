/* SPDX-License-Identifier: Apache-2.0 */
// Technique: an exec from a thread that is not the first
// Hides: the command from who follows the thread that was forked
// Seen: command
// Flags: -pthread
#include <pthread.h>
#include <unistd.h>

static void *run(void *unused)
{
	execl("./mark", "mark", "open-sesame", (char *)0);
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, 0, run, 0);
	pthread_join(thread, 0);
	return 1;
}
