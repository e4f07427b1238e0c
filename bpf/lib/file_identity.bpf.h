/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Identity of a file: inode, device, size and ctime. */
#pragma once

#include "compat.bpf.h"

#include "../include/record.h"

#define CTIME_QUERIED                                                                              \
	(1U << 31) /* I_CTIME_QUERIED, kept in the nanoseconds since 6.13 (kernel commit 4e40eff0b573) \
				*/

static __always_inline void read_change(struct file_identity *identity, struct inode *inode)
{
	struct inode___6_6 *since_6_6 = (void *)inode;
	struct inode___5_8 *before = (void *)inode;

	/* i_ctime became __i_ctime in 6.6 (kernel commit 13bc24457850), and two integers in 6.11 (3aa63a569c64). */
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		identity->changed = field_of(inode, i_ctime_sec);
		identity->changed_ns = field_of(inode, i_ctime_nsec) & ~CTIME_QUERIED;
	} else if (bpf_core_field_exists(since_6_6->__i_ctime)) {
		identity->changed = field_of(since_6_6, __i_ctime.tv_sec);
		identity->changed_ns = field_of(since_6_6, __i_ctime.tv_nsec);
	} else {
		identity->changed = field_of(before, i_ctime.tv_sec);
		identity->changed_ns = field_of(before, i_ctime.tv_nsec);
	}
}

static __always_inline void fill_file_identity(struct file_identity *identity, struct inode *inode)
{
	identity->inode = field_of(inode, i_ino);
	identity->size = field_of(inode, i_size);
	identity->device = field_of(inode, i_sb, s_dev);
	read_change(identity, inode);
}
