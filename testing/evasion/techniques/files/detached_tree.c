/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a copy of a mount that is attached nowhere (open_tree), and a path relative to it
// Hides: the file's path, which leads to no directory of the system
// Seen: open
// Trace: /secret
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	int tree = syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE);

	return sendfile(creat("ran", 0666), openat(tree, "secret", O_RDONLY), 0, 64) < 0;
}
