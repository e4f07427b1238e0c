/* SPDX-License-Identifier: Apache-2.0 */
// Technique: orphans taken over by another process (PR_SET_CHILD_SUBREAPER)
// Hides: the command from who follows the tree of parents
// Seen: command
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0) {
		if (fork() == 0) {
			usleep(1000);
			execl("./mark", "mark", "open-sesame", (char *)0);
		}
		_exit(0);
	}
	while (wait(0) > 0)
		;
	return 0;
}
