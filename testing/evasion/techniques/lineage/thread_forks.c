/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a fork by a thread whose leader has ended
// Hides: the command from who looks up the leader's process
// Seen: command
// Flags: -pthread
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void *run(void *leader)
{
	pthread_join(*(pthread_t *)leader, 0);
	if (fork() == 0)
		execl("./mark", "mark", "open-sesame", (char *)0);
	wait(0);
	_exit(0);
}

int main(void)
{
	static pthread_t leader;
	pthread_t thread;

	leader = pthread_self();
	pthread_create(&thread, 0, run, &leader);
	pthread_exit(0);
}
