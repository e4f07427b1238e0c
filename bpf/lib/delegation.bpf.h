/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Jobs that sessions request from daemons, and the evidence of each. */
#pragma once

#include "path.bpf.h"
#include "syscall.bpf.h"

#define MAX_DIRECTORIES 64
#define MAX_JOBS 8192
#define MAX_ATTEMPTS 4
#define LONGEST_KIND 10 /* .automount */

struct directory {
	char name[32];
	char above[32]; /* the name of the directory that it is in */
};

/* Directories where daemons find their jobs; others of these names do no harm, for no daemon looks there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_DIRECTORIES);
	__type(key, struct directory);
	__type(value, __u32); /* enum daemon */
} proctor_jobdir __weak SEC(".maps");

/* Files there that a session has written, the last one that did. Nothing is evicted: otherwise a
 * session could evict entries, its own first job among them, by writing many files to such directories. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_JOBS);
	__type(key, struct place);
	__type(value, struct job);
} proctor_jobfile __weak SEC(".maps");

/* Jobs without a file of their own, by what their process will show. Nothing is evicted here either. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_JOBS);
	__type(key, struct order);
	__type(value, struct job);
} proctor_jobkey __weak SEC(".maps");

/* How many of these a session has added: never fewer than there are. */
struct job_counts {
	__u32 delegations;
	__u32 files;
	__u32 orders;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SESSIONS);
	__type(key, __u32);
	__type(value, struct job_counts);
} proctor_jobseq __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * MAX_JOBS);
	__type(key, struct delegation);
	__type(value, struct evidence);
} proctor_jobtext __weak SEC(".maps");

struct delegation_scratch {
	struct order order;
	struct evidence evidence;
	struct path_text walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct delegation_scratch);
} proctor_jobbuf __weak SEC(".maps");

static __always_inline struct delegation_scratch *job_scratch_lookup(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&proctor_jobbuf, &zero);
}

static __always_inline struct place place_of(struct inode *inode)
{
	struct place place = {
		.inode = field_of(inode, i_ino),
		.device = field_of(inode, i_sb, s_dev),
	};

	return place;
}

static __always_inline struct job_counts *job_counts_of(__u32 session)
{
	struct job_counts none = {};

	bpf_map_update_elem(&proctor_jobseq, &session, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&proctor_jobseq, &session);
}

/* May one more be added? Programs on other processors may add as many more as there are processors. */
static __always_inline bool is_within_quota(__u32 *added)
{
	if (*added >= SESSION_JOBS)
		return false;
	__sync_fetch_and_add(added, 1);
	return true;
}

/* Keep the evidence under the next number of the session. Two may read the same count; the first has the
 * number. Atomic fetch-and-add needs 5.12 (kernel commit 5ca419f2864a). */
static __always_inline __u32 save_evidence(__u32 session, const struct evidence *evidence)
{
	struct delegation key = {.session = session};
	struct job_counts *counts = job_counts_of(session);
	__u32 *count = counts ? &counts->delegations : NULL;

	for (int attempt = 0; count && attempt < MAX_ATTEMPTS && *count < MAX_DELEGATION - 1; attempt++) {
		*count = key.number = *count + 1;
		if (!bpf_map_update_elem(&proctor_jobtext, &key, evidence, BPF_NOEXIST))
			return key.number;
	}
	key.number = MAX_DELEGATION;
	bpf_map_update_elem(&proctor_jobtext, &key, evidence, BPF_ANY);
	return key.number;
}

static __always_inline struct job *find_job(struct order *order, enum daemon daemon, __u32 uid)
{
	order->daemon = daemon;
	order->uid = uid;
	return bpf_map_lookup_elem(&proctor_jobkey, order);
}

/* A command that a daemon will execute for the session, and that will not be known as the session's. */
static __always_inline void count_unattributed(const struct job *job)
{
	count_started(job->session, RECORD_COMMAND);
	count(job->session, RECORD_COMMAND, false);
}

/* An entry that is there is replaced in any case: its former session must not be taken for the one that acts. */
static __always_inline void save_job_key(const struct order *order, const struct job *job)
{
	struct job_counts *counts = job_counts_of(job->session);
	bool fits = bpf_map_lookup_elem(&proctor_jobkey, order) || (counts && is_within_quota(&counts->orders));

	if (!fits || bpf_map_update_elem(&proctor_jobkey, order, job, BPF_ANY))
		count_unattributed(job);
}

static __always_inline void save_job_file(const struct place *place, const struct job *job, bool known)
{
	struct job_counts *counts = job_counts_of(job->session);
	bool fits = known || (counts && is_within_quota(&counts->files));

	if (!fits || bpf_map_update_elem(&proctor_jobfile, place, job, BPF_ANY))
		count_unattributed(job);
}

/* A size that is small enough, where older verifiers see that it is. */
static __always_inline __u32 bounded(__u32 size)
{
	if (size >= ORDER_BYTES)
		size = ORDER_BYTES - 1;
	barrier_var(size);
	return size & 0xff;
}

/* The order for what a manager of units or of containers has named in the buffer for evidence, in size bytes.
 * Units that start each other, like x.timer and x.service, have the same. */
static __always_inline struct job *find_job_by_name(struct delegation_scratch *scratch, enum daemon daemon, __u32 size)
{
	__u32 stem = size;

	for (__u32 back = 1; back <= LONGEST_KIND; back++) {
		__u32 place = size - back;

		if (place >= ORDER_BYTES)
			break;
		if (scratch->evidence.text[place] == '.') {
			stem = place;
			break;
		}
	}
	__builtin_memset(scratch->order.text, 0, sizeof(scratch->order.text));
	bpf_probe_read_kernel(scratch->order.text, bounded(stem), scratch->evidence.text);
	return find_job(&scratch->order, daemon, ANY_USER);
}

/* Attribute a child of a daemon to a session, unless the session has ended. */
static __always_inline bool task_state_adopt(struct task_struct *task, struct task_state *state, const struct job *job)
{
	struct tally *tally = tally_of(job->session);

	if (!tally)
		return false;
	__sync_fetch_and_add(&tally->tasks, 1);
	state->session = job->session;
	state->kinds = job->kinds;
	state->delegation = job->delegation;
	state->daemon = DAEMON_NONE;
	session_member_add(task, state);
	return true;
}
