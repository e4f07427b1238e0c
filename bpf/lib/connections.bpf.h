/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records of connections. */
#pragma once

#include "policy.bpf.h"
#include "socket.bpf.h"

#define EPERM 1
#define EINPROGRESS 115
#define MAX_BEGUN 16384

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 4096);
} proctor_network __weak SEC(".maps");

/* A connection whose system call has not told its outcome, or not ended yet. Either side writes what it
 * knows, then looks whether the other has: the one that finds it tells, and who removes the entry is alone. */
struct beginning {
	struct network_record record;
	__u32 waiting; /* the call has ended without an outcome */
	__u32 ended;
	__s32 result;
	__u32 order;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_BEGUN);
	__type(key, struct sock *);
	__type(value, struct beginning);
} proctor_pending __weak SEC(".maps");

static __always_inline void submit_network(struct network_record *record)
{
	bpf_ringbuf_submit(record, wake_after(&proctor_network, sizeof(*record), knobs.network_mark));
}

static __always_inline void describe_connection(struct network_record *record, const struct task_state *state,
												const struct endpoints *endpoints, long result, __u16 flags)
{
	if (endpoints->denied)
		result = -EPERM;
	fill_header(&record->header, state, RECORD_NETWORK, result < 0 ? result : 0);
	record->header.flags = flags;
	record->endpoints = *endpoints;
}

/* An attempt as an event. Records are written where they go, since the stack is short. */
static __always_inline void tell(const struct task_state *state, const struct endpoints *ends, long result,
								 __u16 flags)
{
	struct network_record *record = bpf_ringbuf_reserve(&proctor_network, sizeof(*record), 0);

	count(state->session, RECORD_NETWORK, record);
	if (!record)
		return;
	__builtin_memset(record, 0, sizeof(*record));
	describe_connection(record, state, ends, result, flags);
	submit_network(record);
}

/* An attempt that no hook has noted, known when it has ended or must be reported at once. */
static __always_inline void report(const struct task_state *state, const struct endpoints *ends, long result,
								   __u16 flags)
{
	count_started(state->session, RECORD_NETWORK);
	tell(state, ends, result, flags);
}

static __always_inline void drop_pending(struct task_state *state)
{
	state->pending.operation = OPERATION_NONE;
	state->reported = false;
	state->begun = false;
}

/* Who removes the entry tells, unless nobody is to hear of the session any more. */
static __always_inline bool is_mine_to_tell(struct sock *sk, __u32 session)
{
	return !bpf_map_delete_elem(&proctor_pending, &sk) && policy_of(session);
}

static __always_inline void tell_outcome(struct sock *sk, const struct beginning *beginning)
{
	struct network_record *record = bpf_ringbuf_reserve(&proctor_network, sizeof(*record), 0);
	__u32 session = beginning->record.header.session;

	if (!record) {
		if (is_mine_to_tell(sk, session)) {
			count_unfinished(session, RECORD_NETWORK, -1);
			count(session, RECORD_NETWORK, false);
		}
		return;
	}
	*record = beginning->record;
	record->header.result = beginning->result;
	record->header.time = bpf_ktime_get_ns();
	record->endpoints.operation = OPERATION_OUTCOME;
	if (is_mine_to_tell(sk, session)) {
		count_unfinished(session, RECORD_NETWORK, -1);
		count(session, RECORD_NETWORK, true);
		submit_network(record);
	} else {
		bpf_ringbuf_discard(record, 0);
	}
}

/* What is pending is an event now, whatever becomes of it; the outcome of a connection will be another. */
void settle(struct task_state *state, __u16 flags) SHARED;
