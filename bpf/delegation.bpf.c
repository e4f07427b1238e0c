/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Daemons that act for a session. What a daemon has forked is watched until it executes a program that no
 * session has ordered; then it is nobody's. */
#include "lib/delegation.bpf.h"

#include <bpf/bpf_tracing.h>

#define FMODE_WRITE 2
#define ROOT 0

SHARED void daemon_forked(const struct task_state *parent, struct task_struct *child)
{
	struct task_state *state = own(child);

	if (!state)
		return;
	state->session = 0;
	state->daemon = parent->daemon;
}

/* Keep the path of a file as the evidence of a delegation; returns its number. */
static __always_inline __u32 note_path(const struct job *job, struct file *file)
{
	struct delegation_scratch *scratch = delegation_room();
	__u32 start, size;
	__u16 flags = 0;

	if (!scratch)
		return MAX_DELEGATION;
	start = write_path(&scratch->walk, field_of(file, f_path.dentry), field_of(file, f_path.mnt), &flags);
	size = PATH_BYTES - 1 - start;
	if (size >= EVIDENCE_BYTES)
		size = EVIDENCE_BYTES - 1;
	size &= EVIDENCE_BYTES - 1;
	scratch->evidence.daemon = job->daemon;
	scratch->evidence.size = size;
	bpf_probe_read_kernel(scratch->evidence.text, size, scratch->walk.bytes + (start & (PATH_BYTES - 1)));
	return keep_evidence(job->session, &scratch->evidence);
}

/* A unit may be started as soon as it is written: too soon for user space to read it. */
static __always_inline void order_unit(const struct job *job, const unsigned char *name)
{
	struct delegation_scratch *scratch = delegation_room();
	long size;

	if (!scratch)
		return;
	size = bpf_probe_read_kernel_str(scratch->evidence.text, ORDER_BYTES, name);
	if (size <= 1)
		return;
	find_named(scratch, DAEMON_MANAGER, size - 1);
	keep_order(&scratch->order, job);
}

/* A task of a session has opened a file: is it a job that is being written? */
SHARED void job_file_opened(const struct task_state *state, const struct syscall *call)
{
	struct file *file = call->file;
	struct job job = {.session = state->session, .kinds = state->kinds}, *known;
	struct directory directory = {};
	__u32 *daemon;
	struct place place;

	if (!file || !(field_of(file, f_mode) & FMODE_WRITE))
		return;
	bpf_probe_read_kernel_str(directory.name, sizeof(directory.name),
							  field_of(file, f_path.dentry, d_parent, d_name.name));
	bpf_probe_read_kernel_str(directory.above, sizeof(directory.above),
							  field_of(file, f_path.dentry, d_parent, d_parent, d_name.name));
	daemon = bpf_map_lookup_elem(&proctor_jobdir, &directory);
	if (!daemon)
		return;
	place = place_of(field_of(file, f_inode));
	known = bpf_map_lookup_elem(&proctor_jobfile, &place);
	if (known && known->session == state->session)
		return;
	job.daemon = *daemon;
	job.delegation = note_path(&job, file);
	if (bpf_map_update_elem(&proctor_jobfile, &place, &job, BPF_ANY))
		count_unattributed(&job);
	if (job.daemon == DAEMON_MANAGER)
		order_unit(&job, field_of(file, f_path.dentry, d_name.name));
}

/* A system call of a daemon or of what it has forked; returns whether the task is a session's now. */
SHARED bool daemon_called(struct task_state *state, const struct syscall *call)
{
	struct place place;
	struct file *file;
	struct job *job;

	if (state->daemon != DAEMON_AT || call->result < 0)
		return false;
	if (call->operation != OPEN && call->operation != OPENAT)
		return false;
	file = file_of(call->result);
	if (!file)
		return false;
	place = place_of(field_of(file, f_inode));
	job = bpf_map_lookup_elem(&proctor_jobfile, &place);
	return job && job->daemon == DAEMON_AT && adopt(current_task(), state, job);
}

/* Does a text begin with these few letters, as a number? */
static __always_inline bool is_start(const char *text, __u64 letters, __u32 length)
{
	__u64 found;

	__builtin_memcpy(&found, text, sizeof(found));
	return (found & ~0ULL >> (64 - 8 * length)) == letters;
}

/* And is that all of it? */
static __always_inline bool is_word(const char *text, __u64 word, __u32 length)
{
	return is_start(text, word, length + 1);
}

static __always_inline enum daemon daemon_named(const char *name)
{
	if (is_word(name, 0x647461, 3)) /* atd */
		return DAEMON_AT;
	if (is_word(name, 0x6e6f7263, 4) || is_word(name, 0x646e6f7263, 5)) /* cron, crond */
		return DAEMON_CRON;
	if (is_word(name, 0x646d6574737973, 7)) /* systemd */
		return DAEMON_MANAGER;
	if (is_word(name + 8, 0x6d6968732d6472, 7)) /* containerd-shim, the rest of its name cut */
		return DAEMON_CONTAINERS;
	return DAEMON_NONE;
}

/* Which daemon does the task execute, from a file of root's? */
static __always_inline enum daemon daemon_started(struct task_struct *task)
{
	enum daemon daemon = daemon_named(task->comm);

	return field_of(task, mm, exe_file, f_inode, i_uid.val) == ROOT ? daemon : DAEMON_NONE;
}

/* Does the third argument, after the shell and -c, order what was ordered from cron? */
static __always_inline struct job *ordered_command(struct task_struct *task, struct order *order)
{
	__u64 next = field_of(task, mm, arg_start);

	for (int argument = 0; argument < 2; argument++) {
		long size = read_string(order->text, sizeof(order->text), next);

		if (size < 0 || size == sizeof(order->text))
			return NULL;
		next += size;
	}
	__builtin_memset(order->text, 0, sizeof(order->text));
	bpf_probe_read_user_str(order->text, sizeof(order->text), (void *)next);
	return find_order(order, DAEMON_CRON, field_of(task, cred, uid.val));
}

static __always_inline struct job *ordered_program(struct order *order, const char *path)
{
	__builtin_memset(order->text, 0, sizeof(order->text));
	bpf_probe_read_kernel_str(order->text, sizeof(order->text), path);
	return find_order(order, DAEMON_CRON, ANY_USER);
}

/* A manager gives each unit, or each container, a cgroup of the same name; that of a container may be
 * docker-NAME.scope. */
static __always_inline struct job *ordered_by_name(struct task_struct *task, enum daemon daemon,
												   struct delegation_scratch *scratch)
{
	const char *name = field_of(task, cgroups, dfl_cgrp, kn, name);
	char *text = scratch->evidence.text;
	long size = bpf_probe_read_kernel_str(text, ORDER_BYTES, name);

	if (daemon == DAEMON_CONTAINERS && is_start(text, 0x2d72656b636f64, 7)) /* docker- */
		size = bpf_probe_read_kernel_str(text, ORDER_BYTES, name + 7);
	return size > 0 ? find_named(scratch, daemon, size - 1) : NULL;
}

static __always_inline struct job *job_executed(struct task_struct *task, enum daemon daemon, const char *path)
{
	struct delegation_scratch *scratch = delegation_room();
	struct job *job;

	if (!scratch)
		return NULL;
	if (daemon == DAEMON_MANAGER || daemon == DAEMON_CONTAINERS)
		return ordered_by_name(task, daemon, scratch);
	if (daemon != DAEMON_CRON)
		return NULL;
	job = ordered_command(task, &scratch->order);
	return job ? job : ordered_program(&scratch->order, path);
}

/* A task that is no session's has executed a program; returns its state if it is one's now. */
SHARED struct task_state *stranger_executed(struct task_struct *task, struct task_state *state,
											  struct linux_binprm *bprm)
{
	enum daemon daemon = daemon_started(task);
	struct job *job;

	if (daemon != DAEMON_NONE) {
		state = own(task);
		if (state)
			state->daemon = daemon;
		return NULL;
	}
	if (!state)
		return NULL;
	job = job_executed(task, state->daemon, bprm->filename);
	if (job && adopt(task, state, job))
		return state;
	if (state->daemon != DAEMON_CRON && state->daemon != DAEMON_CONTAINERS) /* who use helpers */
		release(task);
	return NULL;
}
