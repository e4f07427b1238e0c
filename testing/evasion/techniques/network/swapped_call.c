/* SPDX-License-Identifier: Apache-2.0 */
// Technique: getppid, turned into connect by a debugger after it has begun
// Hides: the connection from who looks at calls before they are made
// Seen: connection
#include "uring.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

int main(void)
{
	struct user_regs_struct registers;
	struct sockaddr_in to = target();
	int tcp = socket(AF_INET, SOCK_STREAM, 0), child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(syscall(SYS_getppid));
	}
	do {
		wait(0);
		if (!ptrace(PTRACE_GETREGS, child, 0, &registers) && registers.orig_rax == SYS_getppid) {
			registers.orig_rax = SYS_connect;
			registers.rdi = tcp;
			registers.rsi = (long)&to;
			registers.rdx = sizeof to;
			ptrace(PTRACE_SETREGS, child, 0, &registers);
		}
	} while (!ptrace(PTRACE_SYSCALL, child, 0, 0));
	return 0;
}
