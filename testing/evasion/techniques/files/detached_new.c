/* SPDX-License-Identifier: Apache-2.0 */
// Technique: a file on a file system of the program's own, mounted nowhere (fsopen, fsmount)
// Hides: the file, which no other process can find
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
	int system = syscall(SYS_fsopen, "tmpfs", 0), proof = creat("ran", 0666), mount;

	syscall(SYS_fsconfig, system, FSCONFIG_CMD_CREATE, 0, 0, 0);
	mount = syscall(SYS_fsmount, system, 0, 0);
	write(openat(mount, "secret", O_WRONLY | O_CREAT, 0600), "open-sesame", 11);
	return sendfile(proof, openat(mount, "secret", O_RDONLY), 0, 64) < 0;
}
