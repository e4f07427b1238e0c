/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files by a descriptor, or in the table of a ring of io_uring. */
#pragma once

#include "socket.bpf.h"

#define FIXED_FILE (1 << 0) /* IOSQE_FIXED_FILE: a slot of the ring's table instead of a descriptor */
#define ANY_SLOT 0xffffffff /* the kernel chooses one; the result is its number */
#define FILE_FLAGS 7UL /* in the lowest bits of a pointer */

static __always_inline struct file *file_in_slot(struct io_ring_ctx *ring, __u32 slot)
{
	struct io_ring_ctx___6_12 *before = (void *)ring;
	struct io_fixed_file___6_12 *files;
	struct io_rsrc_node **nodes, *node;

	/* Files and buffers share a type of table since 6.13 (kernel commit 3597f2786b68). */
	if (bpf_core_field_exists(ring->file_table.data.nodes)) {
		if (slot >= field_of(ring, file_table.data.nr))
			return NULL;
		nodes = field_of(ring, file_table.data.nodes);
		node = element_of(nodes, slot);
		return node ? (struct file *)(field_of(node, file_ptr) & ~FILE_FLAGS) : NULL;
	}
	if (!bpf_core_field_exists(before->file_table.files) || slot >= field_of(before, nr_user_files))
		return NULL;
	files = field_of(before, file_table.files);
	return (struct file *)(field_of(files + slot, file_ptr) & ~FILE_FLAGS);
}

/* Where a request has put a file, a slot being counted from 1 when it was asked for. */
static __always_inline struct file *installed_file(struct io_kiocb *request, __u32 slot, int result)
{
	if (result < 0)
		return NULL;
	if (!slot)
		return file_of(result);
	return file_in_slot(field_of(request, ctx), slot == ANY_SLOT ? result : slot - 1);
}

/* What a request is made to, before it is issued; a slot may be filled only by then. */
static __always_inline struct file *requested_file_struct(struct io_kiocb *request)
{
	int descriptor = field_of(request, cqe.fd);

	if (field_of(request, flags) & FIXED_FILE)
		return file_in_slot(field_of(request, ctx), descriptor);
	return file_of(descriptor);
}

static __always_inline struct sock *requested_socket(struct io_kiocb *request)
{
	return socket_of_file(requested_file_struct(request));
}
