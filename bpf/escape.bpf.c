/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Escapes: a task of a session moves to a cgroup that is not below the cgroup of the session. */
#include "dispatch.bpf.h"

#include "lib/tamper.bpf.h"

#include <bpf/bpf_tracing.h>

#define MAX_CGROUPS 64
#define LEAST_CGROUPS 24

struct cgroup_walk {
	struct path_text *text;
	struct cgroup *cgroup;
	__u64 home;
	bool inside;
};

/* One step towards the root, which has no name. */
static LOOP_CB long step_out(__u32 index, struct cgroup_walk *walk)
{
	struct path_text *text = walk->text;
	struct cgroup *cgroup = walk->cgroup;
	struct cgroup_subsys_state *above = field_of(cgroup, self.parent);
	const char *name = field_of(cgroup, kn, name);
	__u32 start;
	long size;

	walk->inside = field_of(cgroup, kn, id) == walk->home;
	if (walk->inside || !above)
		return 1;
	size = bpf_probe_read_kernel_str(text->bytes + PATH_BYTES, NAME_BYTES, name);
	if (size <= 0 || !prepend_text(text, name, size - 1))
		return 1;
	start = (text->walk.start - 1) & (PATH_BYTES - 1);
	text->bytes[start] = '/';
	text->walk.start = start;
	walk->cgroup = field_of(above, cgroup);
	return 0;
}

/* The current task has moved a task of a session, or itself, to a cgroup, or created it there. */
__subprog void on_cgroup_move(const struct task_state *state, struct task_struct *task, struct cgroup *to)
{
	struct tamper_scratch *scratch = start_tamper(state, TECHNIQUE_ESCAPE, 0);
	struct cgroup_walk walk = {.cgroup = to, .home = state->cgroup};
	struct path_text *text;

	if (!scratch || !state->cgroup || !records_kind(state, RECORD_TAMPER))
		return;
	walk.text = text = &scratch->walk;
	text->walk.start = PATH_BYTES - 1;
	bpf_loop_compat(MAX_CGROUPS, LEAST_CGROUPS, step_out, &walk);
	if (walk.inside)
		return;
	count_started(state->session, RECORD_TAMPER);
	if (text->walk.start == PATH_BYTES - 1) {
		text->bytes[PATH_BYTES - 2] = '/';
		text->walk.start = PATH_BYTES - 2;
	}
	scratch->record.target = scratch->record.header.pid;
	fill_task(&scratch->record.header, task);
	scratch->record.header.cgroup_id = field_of(to, kn, id);
	tamper_set_path(scratch, text->walk.start);
	send_tamper(scratch);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(proctor_cgroup, struct cgroup *to, const char *path, struct task_struct *task)
{
	struct task_state *state = session_task_state(task);

	if (state && !field_of(to, root, hierarchy_id))
		on_cgroup_move(state, task, to);
	return 0;
}
