/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* State of tasks: in task storage, or keyed by number where the kernel has no task storage. */
#pragma once

#include "compat.bpf.h"

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
static __always_inline struct task_state *task_state_lookup(struct task_struct *task)
{
	int pid = field_of(task, pid);

	return bpf_map_lookup_elem(&proctor_lineage, &pid);
}

/* The state of a task, created if there is none; NULL when the map is full. */
static __always_inline struct task_state *task_state_get_or_create(struct task_struct *task)
{
	struct task_state empty = {};
	int pid = task->pid;

	bpf_map_update_elem(&proctor_lineage, &pid, &empty, BPF_ANY);
	return bpf_map_lookup_elem(&proctor_lineage, &pid);
}

/* Does the task with this number belong to the session? */
static __always_inline bool is_session_member(__u32 pid, __u32 session)
{
	struct task_state *state = bpf_map_lookup_elem(&proctor_lineage, &pid);

	return state && state->session == session;
}

static __always_inline void session_member_add(struct task_struct *task, const struct task_state *state)
{
}

/* Numbers are reused: the entry must be gone by then. */
static __always_inline void session_member_remove(struct task_struct *task)
{
	int pid = task->pid;

	bpf_map_delete_elem(&proctor_lineage, &pid);
}

/* The task belongs to no session, and is no daemon. */
static __always_inline void task_state_delete(struct task_struct *task)
{
	session_member_remove(task);
}

static __always_inline void task_state_clear_stale(struct task_struct *child)
{
	session_member_remove(child);
}

/* A thread that executes a program ends the others and takes the number of the first. */
static __always_inline void task_state_change_pid(struct task_struct *task, int before)
{
	struct task_state *state, moved;
	int pid = task->pid;

	if (pid == before)
		return;
	state = bpf_map_lookup_elem(&proctor_lineage, &before);
	if (!state)
		return;
	moved = *state;
	bpf_map_delete_elem(&proctor_lineage, &before); /* first, the map may be full */
	bpf_map_update_elem(&proctor_lineage, &pid, &moved, BPF_ANY);
}

#else

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} proctor_lineage __weak SEC(".maps");

/* Most tasks have no storage at all, which is seen without a call of the helper. */
static __always_inline struct task_state *task_state_lookup(struct task_struct *task)
{
	return task->bpf_storage ? bpf_task_storage_get(&proctor_lineage, task, 0, 0) : NULL;
}

static __always_inline struct task_state *task_state_get_or_create(struct task_struct *task)
{
	return bpf_task_storage_get(&proctor_lineage, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* Sessions by the numbers of their tasks. A task whose number does not fit counts as outside. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_TASKS);
	__type(key, __u32);
	__type(value, __u32);
} proctor_member __weak SEC(".maps");

static __always_inline bool is_session_member(__u32 pid, __u32 session)
{
	__u32 *found = bpf_map_lookup_elem(&proctor_member, &pid);

	return found && *found == session;
}

static __always_inline void session_member_add(struct task_struct *task, const struct task_state *state)
{
	__u32 pid = task->pid, session = state->session;

	bpf_map_update_elem(&proctor_member, &pid, &session, BPF_ANY);
}

/* The state itself goes with the task, and stays when its number changes. */
static __always_inline void session_member_remove(struct task_struct *task)
{
	__u32 pid = task->pid;

	bpf_map_delete_elem(&proctor_member, &pid);
}

/* The task belongs to no session, and is no daemon. */
static __always_inline void task_state_delete(struct task_struct *task)
{
	session_member_remove(task);
	bpf_task_storage_delete(&proctor_lineage, task);
}

static __always_inline void task_state_clear_stale(struct task_struct *child)
{
}

static __always_inline void task_state_change_pid(struct task_struct *task, int before)
{
	if (task->pid != before)
		bpf_map_delete_elem(&proctor_member, &before);
}

#endif

/* The state of a task of a session. */
static __always_inline struct task_state *session_task_state(struct task_struct *task)
{
	struct task_state *state = task_state_lookup(task);

	return state && state->session ? state : NULL;
}

/* Returns false when the map is full. */
static __always_inline bool task_state_inherit(struct task_struct *child, const struct task_state *parent)
{
	struct task_state *state = task_state_get_or_create(child);

	if (!state)
		return false;
	state->session = parent->session;
	state->kinds = parent->kinds;
	state->cgroup = parent->cgroup;
	state->delegation = parent->delegation;
	session_member_add(child, state);
	return true;
}
