/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a descriptor taken from another process (pidfd_getfd)
// Hides: the file from who looks at the process that reads it
// Seen: open
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	int ready[2], in, victim;

	pipe(ready);
	victim = fork();
	if (victim == 0) {
		dup2(open("secret", O_RDONLY), 100);
		write(ready[1], ".", 1);
		pause();
	}
	read(ready[0], &in, 1);
	in = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, victim, 0), 100, 0);
	sendfile(creat("ran", 0666), in, 0, 64);
	return kill(victim, SIGKILL);
}
