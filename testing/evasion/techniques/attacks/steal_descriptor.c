/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a descriptor taken from a process outside of the session (pidfd_getfd)
// Hides: a file or connection, which somebody else has opened
// Seen: tamper
// Trace: pidfd_getfd
// Call: pidfd_getfd
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	int other = syscall(SYS_pidfd_open, atoi(getenv("OTHER")), 0);

	if (syscall(SYS_pidfd_getfd, other, 0, 0) < 0)
		return 1;
	execl("./mark", "mark", "open-sesame", (char *)0);
}
