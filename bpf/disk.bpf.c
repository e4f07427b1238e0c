/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opened files: the resolved path when it went well, the path as given when it failed. */
#include "dispatch.bpf.h"

#include "lib/noise.bpf.h"
#include "lib/path.bpf.h"
#include "lib/syscall.bpf.h"
#include "lib/uring.bpf.h"

#define O_CREAT_WRONLY_TRUNC 01101
#define AT_FDCWD -100
#define NAME_LIMIT REQUESTED_BYTES /* longest name that is put behind its directory */

struct disk_scratch {
	struct disk_record record;
	char path[PATH_BYTES + NAME_LIMIT]; /* as many more as a name at a masked place may take */
	char given[NAME_LIMIT];
	struct path_text walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 * 4096);
} proctor_disk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct disk_scratch);
} proctor_diskbuf SEC(".maps");

static __always_inline __u32 flags_of(const struct syscall *call)
{
	__u64 how = 0;

	switch (call->operation) {
	case OPEN: return call->args[1];
	case CREAT: return O_CREAT_WRONLY_TRUNC;
	case OPENAT2: bpf_probe_read_user(&how, sizeof(how), (void *)call->args[2]); return how;
	default: return call->args[2];
	}
}

/* The directory that a given path begins at: of the task, or behind a descriptor. */
static __always_inline struct path directory_at(int descriptor)
{
	struct path nowhere = {};
	struct file *file;

	if (descriptor == AT_FDCWD)
		return field_of(current_task(), fs, pwd);
	file = file_of(descriptor);
	return file ? field_of(file, f_path) : nowhere;
}

/* A file was opened that cannot be looked at. Put its directory before the path as it was given, whose first size
 * bytes are in the path; what links on the way lead to is not known. */
static __always_inline __u32 placed_path(struct disk_scratch *scratch, __u32 size, int directory)
{
	struct path path = directory_at(directory);
	__u32 start, length;

	scratch->record.header.flags |= UNRESOLVED;
	if (!size || scratch->path[0] == '/' || !path.dentry || size >= NAME_LIMIT)
		return size;
	bpf_probe_read_kernel(scratch->given, size & (NAME_LIMIT - 1), scratch->path);
	start = write_path(&scratch->walk, path.dentry, path.mnt, &scratch->record.header.flags);
	length = PATH_BYTES - 1 - start;
	if (length > PATH_BYTES - 1 - NAME_LIMIT) {
		length = PATH_BYTES - 1 - NAME_LIMIT;
		scratch->record.header.flags |= CUT_PATH;
	}
	length &= PATH_BYTES - 1;
	bpf_probe_read_kernel(scratch->path, length, scratch->walk.bytes + (start & (PATH_BYTES - 1)));
	if (length > 1) {
		scratch->path[length & (PATH_BYTES - 1)] = '/';
		length++;
	}
	bpf_probe_read_kernel(scratch->path + (length & (PATH_BYTES - 1)), size & (NAME_LIMIT - 1), scratch->given);
	return length + size;
}

static __always_inline __u32 given_path(struct disk_scratch *scratch, const struct syscall *call)
{
	bool at_directory = call->operation == OPENAT || call->operation == OPENAT2;
	long size;

	scratch->record.header.flags = 0;
	if (call->operation == OPEN_HANDLE)
		return 0;
	size = bpf_probe_read_user_str(scratch->path, PATH_BYTES, (void *)call->args[at_directory]);
	if (size < 0)
		scratch->record.header.flags |= UNREADABLE;
	if (size <= 1)
		return 0;
	return call->result < 0 ? size - 1 : placed_path(scratch, size - 1, at_directory ? call->args[0] : AT_FDCWD);
}

static __always_inline __u32 resolved_path(struct disk_scratch *scratch, struct file *file)
{
	struct path path = field_of(file, f_path);
	__u32 start, size;

	start = write_path(&scratch->walk, path.dentry, path.mnt, &scratch->record.header.flags);
	size = (PATH_BYTES - 1 - start) & (PATH_BYTES - 1);
	bpf_probe_read_kernel(scratch->path, size, scratch->walk.bytes + start);
	return size;
}

static __always_inline void identify_file(struct disk_record *record, struct file *file)
{
	record->inode = record->device = record->mount = 0;
	if (!file)
		return;
	record->inode = field_of(file, f_inode, i_ino);
	record->device = field_of(file, f_inode, i_sb, s_dev);
	record->mount = mount_number(file);
}

/* What the record says of an opened file; false when it is noise. */
static __always_inline bool describe_file(struct task_state *state, struct disk_scratch *scratch,
										  const struct syscall *call, __u32 *size)
{
	struct file *file = call->file;

	fill_header(&scratch->record.header, state, RECORD_DISK, call->result);
	identify_file(&scratch->record, file);
	*size = file ? resolved_path(scratch, file) : 0;
	scratch->path[*size & (PATH_BYTES - 1)] = 0;
	if (!file || !is_noise(&scratch->record, scratch->path, file))
		return true;
	count_filtered(state->session, RECORD_DISK);
	return false;
}

static __always_inline void send_file(struct task_state *state, struct disk_scratch *scratch, __u32 size)
{
	__u32 length;
	__u64 flags;

	if (size > knobs.disk_limit) {
		size = knobs.disk_limit;
		scratch->record.header.flags |= CUT_PATH;
	}
	scratch->record.size = size;
	length = sizeof(scratch->record) + (size & (PATH_BYTES - 1));
	flags = wake_for(&proctor_disk, length, knobs.disk_mark);
	count(state->session, RECORD_DISK, !bpf_ringbuf_output(&proctor_disk, scratch, length, flags));
}

__subprog void on_file_opened(struct task_state *state, struct syscall *call)
{
	__u32 zero = 0, size;
	struct disk_scratch *scratch = bpf_map_lookup_elem(&proctor_diskbuf, &zero);

	if (!scratch)
		return;
	scratch->record.open_flags = flags_of(call);
	if (!describe_file(state, scratch, call, &size))
		return;
	if (!size) /* it failed, or has no path: a pipe */
		size = given_path(scratch, call);
	send_file(state, scratch, size);
}

__subprog void on_uring_file_opened(struct task_state *state, const struct syscall *call,
									const struct requested_file *requested)
{
	__u32 zero = 0, size;
	struct disk_scratch *scratch = bpf_map_lookup_elem(&proctor_diskbuf, &zero);

	if (!scratch)
		return;
	scratch->record.open_flags = requested ? requested->flags : 0;
	if (!describe_file(state, scratch, call, &size))
		return;
	if (!size && requested) {
		size = requested->size & (REQUESTED_BYTES - 1);
		bpf_probe_read_kernel(scratch->path, size, requested->path);
		if (size == REQUESTED_BYTES - 1)
			scratch->record.header.flags |= CUT_PATH;
		if (call->result >= 0)
			size = placed_path(scratch, size, requested->directory);
	}
	scratch->record.header.flags |= VIA_IO_URING;
	if (call->result == NO_DESCRIPTOR)
		scratch->record.header.result = 0;
	send_file(state, scratch, size);
}
