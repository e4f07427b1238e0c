/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a set-user-ID program run by somebody else
// Hides: the command from who goes by the user
// Seen: command
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	chmod("mark", 04755);
	chmod(".", 0777);
	if (fork() == 0) {
		setgid(65534);
		setuid(65534);
		execl("./mark", "mark", "open-sesame", (char *)0);
	}
	return wait(0) < 0;
}
