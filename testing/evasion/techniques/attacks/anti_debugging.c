/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a program that does nothing when it is traced (PTRACE_TRACEME)
// Hides: the command from strace and gdb
// Seen: command
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	if (fork() == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		if (fork() == 0)
			execl("./mark", "mark", "open-sesame", (char *)0);
		wait(0);
		_exit(0);
	}
	wait(0);
	return 0;
}
