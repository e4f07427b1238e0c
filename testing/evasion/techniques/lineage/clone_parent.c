/* SPDX-License-Identifier: Apache-2.0 */
// Technique: clone with CLONE_PARENT: a sister instead of a child
// Hides: the command from who follows the tree of parents
// Seen: command
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	if (fork() == 0) {
		if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0)
			execl("./mark", "mark", "open-sesame", (char *)0);
		_exit(0);
	}
	while (wait(0) > 0)
		;
	return 0;
}
