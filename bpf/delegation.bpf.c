/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Daemons that act for a session: at, as far as it opens a job that the session has written. What a daemon
 * has forked is watched until it executes a program, and is the session's or nobody's from then on. */
#include "lib/delegation.bpf.h"

#include <bpf/bpf_tracing.h>

#define FMODE_WRITE 2

__hidden void daemon_forked(const struct task_state *parent, struct task_struct *child)
{
	struct task_state *state = own(child);

	if (!state)
		return;
	state->session = 0;
	state->daemon = parent->daemon;
	state->forked = parent->forked || child->tgid != field_of(current_task(), tgid);
}

/* Keep the path of a file as the evidence of a delegation. */
static __always_inline void note_path(const struct job *job, struct file *file)
{
	struct delegation key = {.session = job->session, .number = job->delegation};
	__u32 zero = 0, start, size;
	struct delegation_scratch *scratch = bpf_map_lookup_elem(&delegation_scratch, &zero);
	__u16 flags = 0;

	if (!scratch)
		return;
	start = write_path(&scratch->walk, BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt), &flags);
	size = PATH_BYTES - 1 - start;
	if (size >= EVIDENCE_BYTES)
		size = EVIDENCE_BYTES - 1;
	size &= EVIDENCE_BYTES - 1;
	scratch->evidence.daemon = job->daemon;
	scratch->evidence.size = size;
	bpf_probe_read_kernel(scratch->evidence.text, size, scratch->walk.bytes + (start & (PATH_BYTES - 1)));
	bpf_map_update_elem(&evidences, &key, &scratch->evidence, BPF_ANY);
}

/* A task of a session has opened a file: is it a job that is being written? */
__hidden void job_file_opened(const struct task_state *state, const struct syscall *call)
{
	struct file *file = file_of(call->result);
	struct job job = {.session = state->session, .kinds = state->kinds}, *known;
	__u32 *daemon;
	struct place place;
	__u64 directory;

	if (!file || !(BPF_CORE_READ(file, f_mode) & FMODE_WRITE))
		return;
	directory = BPF_CORE_READ(file, f_path.dentry, d_parent, d_inode, i_ino);
	daemon = bpf_map_lookup_elem(&job_directories, &directory);
	if (!daemon)
		return;
	place = place_of(BPF_CORE_READ(file, f_inode));
	known = bpf_map_lookup_elem(&job_files, &place);
	if (known && known->session == state->session)
		return;
	job.daemon = *daemon;
	job.delegation = next_delegation(state->session);
	note_path(&job, file);
	bpf_map_update_elem(&job_files, &place, &job, BPF_ANY);
}

/* A system call of a daemon or of what it has forked; returns whether the task is a session's now. */
__hidden bool daemon_called(struct task_state *state, const struct syscall *call)
{
	struct place place;
	struct file *file;
	struct job *job;

	if (!state->forked || state->daemon != DAEMON_AT || call->result < 0)
		return false;
	if (call->operation != OPEN && call->operation != OPENAT)
		return false;
	file = file_of(call->result);
	if (!file)
		return false;
	place = place_of(BPF_CORE_READ(file, f_inode));
	job = bpf_map_lookup_elem(&job_files, &place);
	return job && job->daemon == DAEMON_AT && adopt(current_task(), state, job);
}

/* A program by its name. */
static __always_inline enum daemon daemon_named(const char *name)
{
	__u64 text;

	__builtin_memcpy(&text, name, sizeof(text));
	if ((__u32)text == 0x647461) /* atd, and the byte that ends it */
		return DAEMON_AT;
	return DAEMON_NONE;
}

/* Root has started a daemon, from a file of its own. */
static __always_inline void daemon_started(struct task_struct *task)
{
	enum daemon daemon = daemon_named(task->comm);
	struct task_state *state;

	if (daemon == DAEMON_NONE || field_of(task, mm, exe_file, f_inode, i_uid.val))
		return;
	state = own(task);
	if (state)
		state->daemon = daemon;
}

/* A task that is no session's has executed a program; returns its state if it is one's now. */
__hidden struct task_state *stranger_executed(struct task_struct *task, struct task_state *state)
{
	if (state && state->forked)
		release(task);
	else if (!state)
		daemon_started(task);
	return NULL;
}
