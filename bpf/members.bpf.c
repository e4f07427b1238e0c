/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Iterator over the processes of all sessions: by lineage, in any cgroup. */
#include "lib/lineage.bpf.h"

#include <bpf/bpf_tracing.h>

/* The number of a process in the namespace of the current task: at the same depth, its own. */
static __always_inline __u32 number_here(struct task_struct *task)
{
	unsigned int level = field_of(current_task(), thread_pid, level);
	struct pid *pid = field_of(task, group_leader, thread_pid);
	__u64 at = (__u64)__builtin_preserve_access_index(&pid->numbers) + level * bpf_core_type_size(struct upid);

	return pid ? field_of((struct upid *)at, nr) : 0;
}

SEC("iter/task")
int proctor_tasks(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct task_state *state;
	struct member member;

	if (!task || field_of(task, exit_state))
		return 0;
	state = task_state_lookup(task);
	if (!state || !state->session)
		return 0;
	member = (struct member){.session = state->session, .process = number_here(task), .delegation = state->delegation};
	if (member.process)
		bpf_seq_write(context->meta->seq, &member, sizeof(member));
	return 0;
}
