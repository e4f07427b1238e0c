/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attribution of jobs that daemons run for sessions. A child of a daemon is watched until it executes a program
 * that no session has requested. */
#include "dispatch.bpf.h"

#include "lib/delegation.bpf.h"

#include <bpf/bpf_tracing.h>

#define ROOT 0

__subprog void on_daemon_fork(const struct task_state *parent, struct task_struct *child)
{
	struct task_state *state = task_state_get_or_create(child);

	if (!state)
		return;
	state->session = 0;
	state->daemon = parent->daemon;
}

/* Keep the path of a file as the evidence of a delegation; returns its number. */
static __always_inline __u32 save_path_evidence(const struct job *job, struct file *file)
{
	struct delegation_scratch *scratch = job_scratch_lookup();
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
	return save_evidence(job->session, &scratch->evidence);
}

/* A unit may start right after it is written, before user space can read it. */
static __always_inline void save_unit_key(const struct job *job, const unsigned char *name)
{
	struct delegation_scratch *scratch = job_scratch_lookup();
	long size;

	if (!scratch)
		return;
	size = bpf_probe_read_kernel_str(scratch->evidence.text, ORDER_BYTES, name);
	if (size <= 1)
		return;
	find_job_by_name(scratch, DAEMON_MANAGER, size - 1);
	save_job_key(&scratch->order, job);
}

/* A task of a session has opened a file: is it a job that is being written? */
__subprog void on_job_file_opened(const struct task_state *state, const struct syscall *call)
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
	job.delegation = save_path_evidence(&job, file);
	save_job_file(&place, &job, known != NULL);
	if (job.daemon == DAEMON_MANAGER)
		save_unit_key(&job, field_of(file, f_path.dentry, d_name.name));
}

/* A system call of a daemon or of its children; returns whether a session has adopted the task. */
__subprog bool on_daemon_syscall(struct task_state *state, const struct syscall *call)
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
	return job && job->daemon == DAEMON_AT && task_state_adopt(current_task(), state, job);
}

static __always_inline bool has_prefix(const char *text, __u64 word, __u32 length)
{
	__u64 found;

	__builtin_memcpy(&found, text, sizeof(found));
	return (found & ~0ULL >> (64 - 8 * length)) == word;
}

/* Of at most 8 bytes, and 7, for the zero at the end is compared as well. */
#define STARTS_WITH(text, string) has_prefix(text, WORD(string), sizeof(string) - 1)
#define EQUALS(text, string) has_prefix(text, WORD(string), sizeof(string))

static __always_inline enum daemon daemon_named(const char *name)
{
	if (EQUALS(name, "atd"))
		return DAEMON_AT;
	if (EQUALS(name, "cron") || EQUALS(name, "crond"))
		return DAEMON_CRON;
	if (EQUALS(name, "systemd"))
		return DAEMON_MANAGER;
	if (EQUALS(name + 8, "rd-shim")) /* containerd-shim, which comm holds 15 bytes of */
		return DAEMON_CONTAINERS;
	return DAEMON_NONE;
}

/* The daemon that the task executes, from a file that root owns. */
static __always_inline enum daemon daemon_started(struct task_struct *task)
{
	enum daemon daemon = daemon_named(task->comm);

	return field_of(task, mm, exe_file, f_inode, i_uid.val) == ROOT ? daemon : DAEMON_NONE;
}

/* The job of the third argument, after the shell and -c, if a session has requested that from cron. */
static __always_inline struct job *job_of_command(struct task_struct *task, struct order *order)
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
	return find_job(order, DAEMON_CRON, field_of(task, cred, uid.val));
}

static __always_inline struct job *job_of_program(struct order *order, const char *path)
{
	__builtin_memset(order->text, 0, sizeof(order->text));
	bpf_probe_read_kernel_str(order->text, sizeof(order->text), path);
	return find_job(order, DAEMON_CRON, ANY_USER);
}

/* A manager gives each unit, or each container, a cgroup of the same name; that of a container may be
 * docker-NAME.scope. */
static __always_inline struct job *job_of_cgroup(struct task_struct *task, enum daemon daemon,
												 struct delegation_scratch *scratch)
{
	const char *name = field_of(task, cgroups, dfl_cgrp, kn, name);
	char *text = scratch->evidence.text;
	long size = bpf_probe_read_kernel_str(text, ORDER_BYTES, name);

	if (daemon == DAEMON_CONTAINERS && STARTS_WITH(text, "docker-"))
		size = bpf_probe_read_kernel_str(text, ORDER_BYTES, name + 7);
	return size > 0 ? find_job_by_name(scratch, daemon, size - 1) : NULL;
}

static __always_inline struct job *job_executed(struct task_struct *task, enum daemon daemon, const char *path)
{
	struct delegation_scratch *scratch = job_scratch_lookup();
	struct job *job;

	if (!scratch)
		return NULL;
	if (daemon == DAEMON_MANAGER || daemon == DAEMON_CONTAINERS)
		return job_of_cgroup(task, daemon, scratch);
	if (daemon != DAEMON_CRON)
		return NULL;
	job = job_of_command(task, &scratch->order);
	return job ? job : job_of_program(&scratch->order, path);
}

/* A task outside all sessions has executed a program. Returns its state when a session adopts the task. */
__subprog struct task_state *on_exec_outside_session(struct task_struct *task, struct task_state *state,
													 struct linux_binprm *bprm)
{
	enum daemon daemon = daemon_started(task);
	struct job *job;

	if (daemon != DAEMON_NONE) {
		state = task_state_get_or_create(task);
		if (state)
			state->daemon = daemon;
		return NULL;
	}
	if (!state)
		return NULL;
	job = job_executed(task, state->daemon, bprm->filename);
	if (job && task_state_adopt(task, state, job))
		return state;
	if (state->daemon != DAEMON_CRON && state->daemon != DAEMON_CONTAINERS) /* these two use helpers */
		task_state_delete(task);
	return NULL;
}
