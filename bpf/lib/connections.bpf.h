/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records of connections. */
#pragma once

#include "policy.bpf.h"
#include "socket.bpf.h"

#define MAX_PENDING_CONNECTS 16384

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 4096);
} proctor_network __weak SEC(".maps");

/* A connection in progress: its system call returned without the outcome, or has not returned yet. The system call
 * and the socket each write their part, then look for the part of the other; whichever removes the entry reports. */
struct pending_connect {
	struct network_record record;
	__u32 waiting; /* the call has ended without an outcome */
	__u32 ended;
	__s32 result;
	__u32 order;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_PENDING_CONNECTS);
	__type(key, struct sock *);
	__type(value, struct pending_connect);
} proctor_pending __weak SEC(".maps");

static __always_inline void submit_network(struct network_record *record)
{
	bpf_ringbuf_submit(record, wake_after(&proctor_network, sizeof(*record), knobs.network_mark));
}

static __always_inline void fill_network_record(struct network_record *record, const struct task_state *state,
												const struct endpoints *endpoints, long result, __u16 flags)
{
	if (endpoints->denied)
		result = -EPERM;
	fill_header(&record->header, state, RECORD_NETWORK, result < 0 ? result : 0);
	record->header.flags = flags;
	record->endpoints = *endpoints;
}

/* Submit a record of an attempt. It is written in place, because the BPF stack has 512 bytes. */
static __always_inline void submit_attempt(const struct task_state *state, const struct endpoints *ends, long result,
										   __u16 flags)
{
	struct network_record *record = bpf_ringbuf_reserve(&proctor_network, sizeof(*record), 0);

	count(state->session, RECORD_NETWORK, record);
	if (!record)
		return;
	__builtin_memset(record, 0, sizeof(*record));
	fill_network_record(record, state, ends, result, flags);
	submit_network(record);
}

/* An attempt that no hook has seen: it is known at its end, or must be reported at once. */
static __always_inline void count_and_submit_attempt(const struct task_state *state, const struct endpoints *ends,
													 long result, __u16 flags)
{
	count_started(state->session, RECORD_NETWORK);
	submit_attempt(state, ends, result, flags);
}

static __always_inline void pending_clear(struct task_state *state)
{
	state->pending.operation = OPERATION_NONE;
	state->reported = false;
	state->begun = false;
}

/* Remove the entry; true for the one caller that did, as long as the session is recorded. */
static __always_inline bool claim_outcome(struct sock *sk, __u32 session)
{
	return !bpf_map_delete_elem(&proctor_pending, &sk) && policy_of(session);
}

static __always_inline void submit_outcome(struct sock *sk, const struct pending_connect *connect)
{
	struct network_record *record = bpf_ringbuf_reserve(&proctor_network, sizeof(*record), 0);
	__u32 session = connect->record.header.session;

	if (!record) {
		if (claim_outcome(sk, session)) {
			count_unfinished(session, RECORD_NETWORK, -1);
			count(session, RECORD_NETWORK, false);
		}
		return;
	}
	*record = connect->record;
	record->header.result = connect->result;
	record->header.time = bpf_ktime_get_ns();
	record->endpoints.operation = OPERATION_OUTCOME;
	if (claim_outcome(sk, session)) {
		count_unfinished(session, RECORD_NETWORK, -1);
		count(session, RECORD_NETWORK, true);
		submit_network(record);
	} else {
		bpf_ringbuf_discard(record, 0);
	}
}
