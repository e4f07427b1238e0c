/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the state of a task is kept: with the task, or by its number where the kernel offers no such storage. */
#pragma once

#include "variant.h"

#include "../include/record.h"
#include "../include/control.h"

#ifdef WITHOUT_TASK_STORAGE

#define MAX_TASKS 65536

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TASKS);
	__type(key, int);
	__type(value, struct task_state);
} lineage __weak SEC(".maps");

static __always_inline struct task_state *state_of(struct task_struct *task)
{
	int pid = field_of(task, pid);

	return bpf_map_lookup_elem(&lineage, &pid);
}

/* Returns false when there is no room. */
static __always_inline bool inherit(struct task_struct *child, const struct task_state *parent)
{
	struct task_state state = {.session = parent->session, .kinds = parent->kinds};
	int pid = child->pid;

	return !bpf_map_update_elem(&lineage, &pid, &state, BPF_ANY);
}

/* A number is given to another task later: what it meant must be gone by then. */
static __always_inline void forget(struct task_struct *task)
{
	int pid = task->pid;

	bpf_map_delete_elem(&lineage, &pid);
}

/* A thread that executes a program ends the others and takes the number of the first. */
static __always_inline void renumber(struct task_struct *task, int before)
{
	int pid = task->pid;
	struct task_state *state;

	if (pid == before)
		return;
	state = bpf_map_lookup_elem(&lineage, &before);
	if (state)
		bpf_map_update_elem(&lineage, &pid, state, BPF_ANY);
	bpf_map_delete_elem(&lineage, &before);
}

#else

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} lineage __weak SEC(".maps");

static __always_inline struct task_state *state_of(struct task_struct *task)
{
	return bpf_task_storage_get(&lineage, task, 0, 0);
}

static __always_inline bool inherit(struct task_struct *child, const struct task_state *parent)
{
	struct task_state *state = bpf_task_storage_get(&lineage, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!state)
		return false;
	state->session = parent->session;
	state->kinds = parent->kinds;
	return true;
}

/* The kernel does both by itself. */
static __always_inline void forget(struct task_struct *task)
{
}

static __always_inline void renumber(struct task_struct *task, int before)
{
}

#endif
