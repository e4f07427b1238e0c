/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the state of a task is kept: with the task, or by its number where the kernel offers no such storage. */
#pragma once

#include "variant.h"

#include "../include/record.h"
#include "../include/control.h"

#define MAX_TASKS 65536

#ifdef WITHOUT_TASK_STORAGE

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TASKS);
	__type(key, int);
	__type(value, struct task_state);
} proctor_lineage __weak SEC(".maps");

/* Of daemons, too. */
static __always_inline struct task_state *lineage_of(struct task_struct *task)
{
	int pid = field_of(task, pid);

	return bpf_map_lookup_elem(&proctor_lineage, &pid);
}

/* The state of a task, made when there is none; NULL when there is no room. */
static __always_inline struct task_state *own(struct task_struct *task)
{
	struct task_state empty = {};
	int pid = task->pid;

	bpf_map_update_elem(&proctor_lineage, &pid, &empty, BPF_ANY);
	return bpf_map_lookup_elem(&proctor_lineage, &pid);
}

/* Is the task with this number one of the session's? */
static __always_inline bool is_member(__u32 pid, __u32 session)
{
	struct task_state *state = bpf_map_lookup_elem(&proctor_lineage, &pid);

	return state && state->session == session;
}

static __always_inline void enlist(struct task_struct *task, const struct task_state *state)
{
}

/* A number is given to another task later: what it meant must be gone by then. */
static __always_inline void forget(struct task_struct *task)
{
	int pid = task->pid;

	bpf_map_delete_elem(&proctor_lineage, &pid);
}

/* The task is nobody's. */
static __always_inline void release(struct task_struct *task)
{
	forget(task);
}

static __always_inline void disown(struct task_struct *child)
{
	forget(child);
}

/* A thread that executes a program ends the others and takes the number of the first. */
static __always_inline void renumber(struct task_struct *task, int before)
{
	struct task_state *state, moved;
	int pid = task->pid;

	if (pid == before)
		return;
	state = bpf_map_lookup_elem(&proctor_lineage, &before);
	if (!state)
		return;
	moved = *state;
	bpf_map_delete_elem(&proctor_lineage, &before); /* first, to make room */
	bpf_map_update_elem(&proctor_lineage, &pid, &moved, BPF_ANY);
}

#else

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} proctor_lineage __weak SEC(".maps");

/* Of most tasks no program of anybody's has stored anything, which can be told without a call. */
static __always_inline struct task_state *lineage_of(struct task_struct *task)
{
	return task->bpf_storage ? bpf_task_storage_get(&proctor_lineage, task, 0, 0) : NULL;
}

static __always_inline struct task_state *own(struct task_struct *task)
{
	return bpf_task_storage_get(&proctor_lineage, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* Sessions by the numbers of their tasks. A number that finds no room is taken for a stranger's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_TASKS);
	__type(key, __u32);
	__type(value, __u32);
} proctor_member __weak SEC(".maps");

static __always_inline bool is_member(__u32 pid, __u32 session)
{
	__u32 *found = bpf_map_lookup_elem(&proctor_member, &pid);

	return found && *found == session;
}

static __always_inline void enlist(struct task_struct *task, const struct task_state *state)
{
	__u32 pid = task->pid, session = state->session;

	bpf_map_update_elem(&proctor_member, &pid, &session, BPF_ANY);
}

/* The state itself goes with the task, and stays when its number changes. */
static __always_inline void forget(struct task_struct *task)
{
	__u32 pid = task->pid;

	bpf_map_delete_elem(&proctor_member, &pid);
}

/* The task is nobody's. */
static __always_inline void release(struct task_struct *task)
{
	forget(task);
	bpf_task_storage_delete(&proctor_lineage, task);
}

static __always_inline void disown(struct task_struct *child)
{
}

static __always_inline void renumber(struct task_struct *task, int before)
{
	if (task->pid != before)
		bpf_map_delete_elem(&proctor_member, &before);
}

#endif

/* The state of a task of a session. */
static __always_inline struct task_state *state_of(struct task_struct *task)
{
	struct task_state *state = lineage_of(task);

	return state && state->session ? state : NULL;
}

/* Returns false when there is no room. */
static __always_inline bool inherit(struct task_struct *child, const struct task_state *parent)
{
	struct task_state *state = own(child);

	if (!state)
		return false;
	state->session = parent->session;
	state->kinds = parent->kinds;
	state->cgroup = parent->cgroup;
	state->delegation = parent->delegation;
	enlist(child, state);
	return true;
}
