/* SPDX-License-Identifier: Apache-2.0 */
// Technique: clone with CLONE_UNTRACED
// Hides: the command from a tracer that follows forks
// Seen: command
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	if (syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0) == 0)
		execl("./mark", "mark", "open-sesame", (char *)0);
	return wait(0) < 0;
}
