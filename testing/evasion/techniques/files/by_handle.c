/* SPDX-License-Identifier: Apache-2.0 */
// Technique: open_by_handle_at: a file by its inode
// Hides: the path, which is never passed
// Seen: open
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/sendfile.h>

int main(void)
{
	union { struct file_handle handle; char storage[sizeof(struct file_handle) + MAX_HANDLE_SZ]; } file;
	int mount, in;

	file.handle.handle_bytes = MAX_HANDLE_SZ;
	name_to_handle_at(AT_FDCWD, "secret", &file.handle, &mount, 0);
	in = open_by_handle_at(open(".", O_RDONLY | O_DIRECTORY), &file.handle, O_RDONLY);
	return sendfile(creat("ran", 0666), in, 0, 64) < 0;
}
