/* SPDX-License-Identifier: Apache-2.0 */
// Technique: clone3 with CLONE_INTO_CGROUP, by root, out of the session's cgroup
// Hides: the command from who goes by the cgroup
// Seen: command
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	char path[256] = "";
	FILE *mounts = popen("awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts", "r");
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};

	fgets(path, sizeof path, mounts);
	path[strcspn(path, "\n")] = 0;
	args.cgroup = open(path, O_PATH);
	if (syscall(SYS_clone3, &args, sizeof args) == 0)
		execl("./mark", "mark", "open-sesame", (char *)0);
	return wait(0) < 0;
}
