/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a mount that is attached nowhere, entered by /proc/self/fd
// Hides: the file's path: that which is given names a descriptor
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

	dup2(tree, 42);
	return sendfile(creat("ran", 0666), open("/proc/self/fd/42/secret", O_RDONLY), 0, 64) < 0;
}
