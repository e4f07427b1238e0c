/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The session of a task, and counts of its records by outcome. */
#pragma once

#include "lineage.bpf.h"

#define MAX_SESSIONS 8192

extern const volatile struct knobs knobs;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SESSIONS);
	__type(key, __u32);
	__type(value, struct tally);
} proctor_tallies __weak SEC(".maps");

static __always_inline bool records_kind(const struct task_state *state, enum record_kind kind)
{
	return state->kinds & (1 << kind);
}

static __always_inline struct tally *tally_of(__u32 session)
{
	return bpf_map_lookup_elem(&proctor_tallies, &session);
}

/* Every attempt to submit a record ends here, so that each loss is counted. Programs may be preempted by others
 * on the same processor, hence the atomics. */
static __always_inline void count(__u32 session, enum record_kind kind, bool delivered)
{
	struct tally *tally = tally_of(session);

	if (!tally)
		return;
	__sync_fetch_and_add(&tally->seen[kind], 1);
	if (!delivered)
		__sync_fetch_and_add(&tally->lost[kind], 1);
}

/* An attempt, where it is known first: before it is known what becomes of it, and by other code than reports it. */
static __always_inline void count_started(__u32 session, enum record_kind kind)
{
	struct tally *tally = tally_of(session);

	if (tally)
		__sync_fetch_and_add(&tally->started[kind], 1);
}

/* An attempt is put aside until its end is seen, or its end was (-1). What is never ended stays counted. */
static __always_inline void count_unfinished(__u32 session, enum record_kind kind, __s64 change)
{
	struct tally *tally = tally_of(session);

	if (tally)
		__sync_fetch_and_add(&tally->unfinished[kind], change);
}

/* Records that a noise rule filters out are counted as well. */
static __always_inline void count_filtered(__u32 session, enum record_kind kind)
{
	struct tally *tally = tally_of(session);

	if (!tally)
		return;
	__sync_fetch_and_add(&tally->seen[kind], 1);
	__sync_fetch_and_add(&tally->filtered[kind], 1);
}

/* The task that acts. */
static __always_inline void fill_task(struct record_header *header, struct task_struct *task)
{
	header->pid = field_of(task, tgid);
	header->ppid = field_of(task, real_parent, tgid);
	header->uid = field_of(task, cred, uid.val);
	header->euid = field_of(task, cred, euid.val);
	header->audit_session = ~0U;
	if (bpf_core_field_exists(task->sessionid)) /* with CONFIG_AUDIT */
		header->audit_session = field_of(task, sessionid);
	bpf_probe_read_kernel_str(header->program, sizeof(header->program), task->comm);
}

static __always_inline void fill_header(struct record_header *header, const struct task_state *state,
										enum record_kind kind, long result)
{
	header->time = bpf_ktime_get_ns();
	header->cgroup_id = bpf_get_current_cgroup_id();
	header->session = state->session;
	header->kind = kind;
	header->delegation = state->delegation;
	header->flags = 0;
	header->result = result;
	fill_task(header, current_task());
}

/* The reader is woken when it has caught up, and once more when the ring fills beyond the watermark; in between it
 * polls. The wake-up is forced within a range only: beyond it the reader is awake already, and each wake-up is an
 * interrupt. A record may be larger than the range, hence the test whether it crosses the watermark. */
static __always_inline __u64 wake_flags(__u64 waiting, __u64 size, __u64 mark)
{
	return waiting < mark + mark / 2 && waiting + size >= mark ? BPF_RB_FORCE_WAKEUP : 0;
}

/* For a record that is not in the ring yet. */
static __always_inline __u64 wake_for(void *ring, __u64 size, __u64 mark)
{
	return wake_flags(bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA), size, mark);
}

/* For a record that is reserved in the ring, and counted there. */
static __always_inline __u64 wake_after(void *ring, __u64 size, __u64 mark)
{
	return wake_flags(bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) - size, size, mark);
}
