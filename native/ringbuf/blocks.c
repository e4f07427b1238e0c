/* SPDX-License-Identifier: Apache-2.0 */
#include "blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define NAME_BYTES 24

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno != EINTR)
			return -1;
		bytes += written > 0 ? written : 0;
		size -= written > 0 ? written : 0;
	}
	return 0;
}

static void name_block(char *name, uint64_t number)
{
	snprintf(name, NAME_BYTES, "%016llx", (unsigned long long)number);
}

int draft_save(const struct draft *draft, int directory, uint64_t number)
{
	int fd = openat(directory, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char name[NAME_BYTES];
	int failed;

	if (fd < 0)
		return 0;
	failed =
		write_all(fd, (const char *)&draft->header, sizeof(draft->header)) || write_all(fd, draft->bytes, draft->size);
	close(fd);
	name_block(name, number);
	failed = failed || renameat(directory, "new", directory, name);
	if (failed)
		unlinkat(directory, "new", 0);
	return !failed;
}

PyObject *block_load(int directory, uint64_t number, size_t size)
{
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
	char name[NAME_BYTES], *records;
	ssize_t got;
	int fd;

	if (!bytes)
		return NULL;
	records = PyBytes_AsString(bytes);
	name_block(name, number);
	Py_BEGIN_ALLOW_THREADS fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : pread(fd, records, size, sizeof(struct block_header));
	Py_END_ALLOW_THREADS if (fd >= 0) close(fd);
	if (got == (ssize_t)size)
		return bytes;
	Py_DECREF(bytes);
	return os_error(got < 0 ? errno : EIO, name);
}
