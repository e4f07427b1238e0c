/* SPDX-License-Identifier: Apache-2.0 */
// Technique: openat2
// Hides: the file from hooks on open and openat
// Seen: open
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
	int in = syscall(SYS_openat2, AT_FDCWD, "secret", &how, sizeof how);

	return sendfile(creat("ran", 0666), in, 0, 64) < 0;
}
