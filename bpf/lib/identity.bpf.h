/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which file it is. */
#pragma once

#include "variant.h"

#include "../include/record.h"

#define CTIME_QUERIED (1U << 31) /* a mark of the kernel's own among the nanoseconds */

static __always_inline void read_change(struct file_identity *identity, struct inode *inode)
{
	struct inode___6_6 *since_6_6 = (void *)inode;
	struct inode___5_8 *before = (void *)inode;

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

static __always_inline void identify(struct file_identity *identity, struct inode *inode)
{
	identity->inode = field_of(inode, i_ino);
	identity->size = field_of(inode, i_size);
	identity->device = field_of(inode, i_sb, s_dev);
	read_change(identity, inode);
}
