/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which opened files the configuration may ask to leave out: what programs read to be able to start. */
#pragma once

#include "path.bpf.h"
#include "rules.bpf.h"

#define O_CHANGING 01103 /* the bits of O_WRONLY, O_RDWR, O_CREAT, O_TRUNC */

/* A name says what a file is only where no other file can be shown under it: on the very mount that holds /usr,
 * which neither a bind mount nor a mount namespace of one's own is, and when it is the file's only name. */
static __always_inline bool is_plain(struct file *file)
{
	return mount_number(file) == knobs.system_mount && field_of(file, f_inode, i_nlink) == 1;
}

static __always_inline bool has_quiet_name(const struct rules *rules, const __u64 *path)
{
	for (__u32 index = 0; index < PATTERNS; index++) {
		if (index >= rules->noise_count)
			return false;
		if (pattern_matches(&rules->noise[index], path))
			return true;
	}
	return false;
}

/* Of a file that was opened; the path ends with a zero. */
static __noinline bool is_noise(const struct disk_record *record, const char *path, struct file *file)
{
	const struct rules *rules = current_rules();

	if (!rules || !rules->noise_count || !record || !path)
		return false;
	if (record->open_flags & O_CHANGING || record->header.flags)
		return false;
	if ((field_of(file, f_inode, i_mode) & S_IFMT) == S_IFDIR)
		return true;
	return is_plain(file) && has_quiet_name(rules, (const __u64 *)path);
}
