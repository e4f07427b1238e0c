/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lineage: children of the tasks of a session belong to the session. */
#include "dispatch.bpf.h"

#include "lib/connections.bpf.h"

#include <bpf/bpf_tracing.h>

/* task_newtask rather than sched_process_fork: workers of io_uring fire only the former. */
SEC("tp_btf/task_newtask")
int BPF_PROG(proctor_fork, struct task_struct *child)
{
	struct task_state *parent = task_state_lookup(current_task());
	struct tally *tally;

	if (!parent) {
		task_state_clear_stale(child);
		return 0;
	}
	if (!parent->session) {
		on_daemon_fork(parent, child);
		return 0;
	}
	if (!task_state_inherit(child, parent)) {
		count_started(parent->session, RECORD_PROCESS);
		count(parent->session, RECORD_PROCESS, false);
		return 0;
	}
	tally = tally_of(parent->session);
	if (tally)
		__sync_fetch_and_add(&tally->tasks, 1);
	if (child->cgroups != field_of(current_task(), cgroups))
		on_cgroup_move(parent, child, field_of(child, cgroups, dfl_cgrp));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(proctor_exit, struct task_struct *task)
{
	struct task_state *state = task_state_lookup(task);
	struct tally *tally;

	if (!state)
		return 0;
	pending_flush(state, VIA_IO_URING); /* by io_uring after the last system call, or in a worker */
	tally = tally_of(state->session);
	if (tally)
		__sync_fetch_and_add(&tally->tasks, -1);
	session_member_remove(task);
	return 0;
}
