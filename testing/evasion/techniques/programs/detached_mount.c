/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a program on a mount that is attached nowhere (open_tree, execveat)
// Hides: the command from who looks for its file
// Seen: command
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	int tree = syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE);

	syscall(SYS_execveat, tree, "mark", (char *[]){"", "open-sesame", 0}, environ, 0);
	return 1;
}
