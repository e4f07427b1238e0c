/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a program that overwrites its arguments and its name after it started
// Hides: the command from ps and from whoever reads /proc later
// Seen: command
// Trace: ./technique open-sesame
#include <string.h>
#include <sys/prctl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc == 1)
		execl("./technique", "./technique", "open-sesame", (char *)0);
	fputs(argv[1], fopen("ran", "w"));
	memset(argv[1], 'x', strlen(argv[1]));
	prctl(PR_SET_NAME, "kworker/0:1");
	return 0;
}
