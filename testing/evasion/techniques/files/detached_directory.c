/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a working directory on a mount that is attached nowhere
// Hides: the file's path, and where the program is
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
	int proof = creat("ran", 0666), tree = syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE);

	return fchdir(tree) || sendfile(proof, open("secret", O_RDONLY), 0, 64) < 0;
}
