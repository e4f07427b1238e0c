/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests to io_uring that accept connection after connection. What they post on the way names no request, but
 * carries their number, which is the caller's choice: several may have the same. */
#pragma once

#include "session.bpf.h"

#define MAX_REQUESTS 4096
#define ACCEPT_MULTISHOT 1

struct number {
	struct io_ring_ctx *ring;
	__u64 user_data;
};

struct acceptance {
	__u32 requests; /* with this number */
	__u32 slots; /* results are slots of the ring's table, not descriptors */
};

/* One that does not fit is reported at once, without the other end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_REQUESTS);
	__type(key, struct number);
	__type(value, struct acceptance);
} proctor_accept SEC(".maps");

static __always_inline struct number multishot_key(struct io_kiocb *request)
{
	struct number number = {field_of(request, ctx), field_of(request, cqe.user_data)};

	return number;
}

/* Returns false when what it posts will not be seen. */
static __always_inline bool multishot_add(struct io_kiocb *request)
{
	struct io_accept *accept = (void *)request;
	struct number number = multishot_key(request);
	struct acceptance *known = bpf_map_lookup_elem(&proctor_accept, &number);
	struct acceptance first = {.requests = 1, .slots = field_of(accept, file_slot)};

	if (!(knobs.hooks & HOOK_POSTED))
		return false;
	if (!known)
		return !bpf_map_update_elem(&proctor_accept, &number, &first, BPF_ANY);
	known->slots = first.slots;
	__sync_fetch_and_add(&known->requests, 1);
	return true;
}

static __always_inline void multishot_remove(struct io_kiocb *request)
{
	struct number number = multishot_key(request);
	struct acceptance *known = bpf_map_lookup_elem(&proctor_accept, &number);

	if (!known)
		return;
	if (known->requests > 1)
		__sync_fetch_and_add(&known->requests, -1);
	else
		bpf_map_delete_elem(&proctor_accept, &number);
}

static __always_inline bool is_multishot(struct io_kiocb *request)
{
	struct io_accept *accept = (void *)request;

	return field_of(accept, iou_flags) & ACCEPT_MULTISHOT;
}
