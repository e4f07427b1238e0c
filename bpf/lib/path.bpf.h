/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Absolute paths, by walking up from a dentry through mount points: bpf_d_path is refused to tracepoints.
 * Names are as seen from the root of the mount namespace, whatever chroot the task is in. */
#pragma once

#include "session.bpf.h"

#define PATH_BYTES 4096
#define NAME_BYTES 256
#define MAX_DEPTH 256
#define LEAST_DEPTH 48

struct path_walk {
	struct dentry *dentry, *root; /* of the mount */
	struct vfsmount *mount;
	__u32 start; /* of what is written so far, which ends at PATH_BYTES */
	bool complete;
	bool top; /* at the root of a mount that is mounted nowhere: of a namespace, or detached */
};

/* The walk is kept here rather than on the stack, so that every step looks the same to the verifier. */
struct path_text {
	char bytes[PATH_BYTES + NAME_BYTES];
	struct path_walk walk;
};

static __always_inline bool prepend_text(struct path_text *text, const void *name, __u32 length)
{
	__u32 start = text->walk.start;

	length &= NAME_BYTES - 1;
	if (start < length + 1)
		return false;
	start = (start - length) & (PATH_BYTES - 1);
	bpf_probe_read_kernel(text->bytes + start, length, name);
	text->walk.start = start;
	return true;
}

static __always_inline bool prepend(struct path_text *text, struct dentry *dentry)
{
	return prepend_text(text, field_of(dentry, d_name.name), field_of(dentry, d_name.len));
}

static LOOP_CB long step_up(__u32 index, struct path_text **context)
{
	struct path_text *text = *context;
	struct path_walk *walk = &text->walk;
	struct dentry *dentry = walk->dentry, *parent;
	struct mount *mount, *above;
	__u32 start;

	if (dentry == walk->root) {
		mount = (void *)walk->mount - bpf_core_field_offset(struct mount, mnt);
		above = field_of(mount, mnt_parent);
		if (above == mount) {
			walk->complete = true;
			walk->top = true;
			return 1;
		}
		walk->dentry = field_of(mount, mnt_mountpoint);
		walk->mount = (void *)above + bpf_core_field_offset(struct mount, mnt);
		walk->root = field_of(above, mnt.mnt_root);
		return 0;
	}
	parent = field_of(dentry, d_parent);
	if (dentry == parent) { /* no directory holds it: a memfd, a pipe */
		walk->complete = prepend(text, dentry);
		return 1;
	}
	if (!prepend(text, dentry))
		return 1;
	start = (walk->start - 1) & (PATH_BYTES - 1);
	text->bytes[start] = '/';
	walk->start = start;
	walk->dentry = parent;
	return 0;
}

static __always_inline struct mount *mount_of(struct vfsmount *mount)
{
	return (void *)mount - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline __u32 mount_number(struct file *file)
{
	struct mount *mount = mount_of(field_of(file, f_path.mnt));

	return field_of(mount, mnt_id);
}

/* Is the mount where a walk has ended not the root of the task's own namespace? */
static __always_inline bool is_detached(const struct path_walk *walk)
{
	struct mount *root = field_of(current_task(), nsproxy, mnt_ns, root);

	return walk->top && root && mount_of(walk->mount) != root;
}

/* Write a path so that it ends before text[PATH_BYTES - 1]; returns where it starts, flags what is wrong. */
static __noinline __attribute__((unused)) __u32 write_path(struct path_text *text, struct dentry *dentry,
														   struct vfsmount *mount, __u16 *flags)
{
	struct dentry *root = field_of(mount, mnt_root);
	struct path_walk *walk;

	if (!text || !flags)
		return PATH_BYTES - 1;
	walk = &text->walk;
	walk->dentry = dentry;
	walk->root = root;
	walk->mount = mount;
	walk->start = PATH_BYTES - 1;
	walk->complete = walk->top = false;
	if (dentry != root && !field_of(dentry, d_hash.pprev))
		*flags |= DELETED;
	bpf_loop_compat(MAX_DEPTH, LEAST_DEPTH, step_up, &text);
	if (!walk->complete)
		*flags |= CUT_PATH;
	if (is_detached(walk))
		*flags |= DETACHED;
	if (walk->complete && walk->start == PATH_BYTES - 1 && dentry == root) {
		walk->start = PATH_BYTES - 2;
		text->bytes[PATH_BYTES - 2] = '/';
	}
	return walk->start & (PATH_BYTES - 1);
}
