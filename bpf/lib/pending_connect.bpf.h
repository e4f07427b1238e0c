/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attempts seen by a hook before they are made, kept until the system call ends. */
#pragma once

#include "connections.bpf.h"

#define MAX_DESTINATIONS 16384

struct destination {
	__u64 cookie; /* of the socket */
	__u32 session;
	__u16 port;
	__u16 denied;
	__u32 address[4]; /* IPv4 mapped into IPv6 */
};

/* Datagrams are recorded once for each socket and destination. An entry that was evicted is recorded again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_DESTINATIONS);
	__type(key, struct destination);
	__type(value, __u8);
} proctor_dest __weak SEC(".maps");

static __always_inline bool is_known(const struct destination *to)
{
	__u8 known = 1;

	if (bpf_map_lookup_elem(&proctor_dest, to))
		return true;
	bpf_map_update_elem(&proctor_dest, to, &known, BPF_ANY);
	return false;
}

/* Keep the attempt until the system call ends, or until the next hook (sendmmsg, io_uring). */
static __always_inline struct endpoints *pending_start(struct task_state *state, enum network_operation operation,
													   __u16 family, __u16 protocol, const void *socket)
{
	struct endpoints *pending = &state->pending;

	pending_flush(state, pending->operation == OPERATION_SEND ? 0 : VIA_IO_URING);
	count_started(state->session, RECORD_NETWORK);
	state->socket = (__u64)socket;
	__builtin_memset(pending, 0, sizeof(*pending));
	pending->operation = operation;
	pending->family = family;
	pending->protocol = protocol;
	return pending;
}

static __always_inline void pending_set_destination(struct endpoints *pending, const struct destination *to)
{
	pending->destination_port = to->port;
	pending->denied = to->denied;
	if (pending->family == AF_INET)
		__builtin_memcpy(pending->destination, &to->address[3], sizeof(to->address[3]));
	else
		__builtin_memcpy(pending->destination, to->address, sizeof(to->address));
}

/* Result of an attempt that is reported before its end. */
static __always_inline long result_so_far(const struct endpoints *ends)
{
	return ends->operation == OPERATION_CONNECT && is_stream(ends->protocol) ? -EINPROGRESS : 0;
}

/* Workers of io_uring never return from a system call, and the end of a request may be seen in another task or
 * (IOSQE_CQE_SKIP_SUCCESS) nowhere: what they do is an event at once. */
static __always_inline void pending_submit_in_worker(struct task_state *state)
{
	if (!(field_of(current_task(), flags) & PF_IO_WORKER))
		return;
	submit_attempt(state, &state->pending, result_so_far(&state->pending), VIA_IO_URING);
	state->reported = true;
}
