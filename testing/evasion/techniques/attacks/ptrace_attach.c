/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a debugger attached to a process outside of the session
// Hides: what is done by having somebody else do it
// Seen: tamper
// Trace: ptrace
// Call: ptrace
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int other = atoi(getenv("OTHER"));

	if (ptrace(PTRACE_ATTACH, other, 0, 0) || waitpid(other, 0, __WALL) != other)
		return 1;
	ptrace(PTRACE_DETACH, other, 0, 0);
	execl("./mark", "mark", "open-sesame", (char *)0);
}
