/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attempts by tasks of sessions to blind or mislead the recording. */
#include "dispatch.bpf.h"

#include "lib/syscall.bpf.h"
#include "lib/tamper.bpf.h"

#include <bpf/bpf_tracing.h>

#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206
#define SEND_SIG_PRIV 1 /* the kernel's own signals */
#define PROC_SUPER_MAGIC 0x9fa0
#define CGROUP2_SUPER_MAGIC 0x63677270
#define MEMORY_DEVICES 1
#define MINOR_BITS 20
#define MAX_LEVELS 64
#define LEAST_LEVELS 24

static __always_inline bool is_outside_session(__u32 pid, const struct task_state *state)
{
	return pid != field_of(current_task(), tgid) && !is_session_member(pid, state->session);
}

/* The number is of the namespace of the caller: in one of its own, every process counts as outside. */
static __always_inline bool argument_is_outside_session(__u32 pid, const struct task_state *state)
{
	return field_of(current_task(), thread_pid, level) || is_outside_session(pid, state);
}

static __always_inline __u32 number_of(struct pid *pid)
{
	return field_of(pid, numbers[0].nr);
}

static __always_inline __u32 pidfd_process(int pidfd)
{
	struct file *file = file_of(pidfd);
	struct pid *pid = NULL;

	if (!file)
		return 0;
	if (bpf_core_field_exists(pid->ino)) /* pidfs, since 6.9 (kernel commit cb12fd8e0dab) */
		pid = field_of(file, f_inode, i_private);
	else
		pid = field_of(file, private_data);
	return number_of(pid);
}

static __always_inline __u64 named_argument(const struct syscall *call)
{
	switch (call->operation >> ARGUMENT_SHIFT & 3) {
	case 0: return call->args[0];
	case 1: return call->args[1];
	case 2: return call->args[2];
	default: return call->args[3];
	}
}

static __always_inline bool is_in_host_mount_namespace(const struct task_struct *task)
{
	return field_of(task, nsproxy, mnt_ns, ns.inum) == knobs.mount_namespace;
}

/* Fill in the target of the call; false when it is no attempt to tamper. */
static __always_inline bool tamper_set_target(struct tamper_record *record, const struct task_state *state,
											  const struct syscall *call)
{
	__u32 first = call->operation & BY_DESCRIPTOR ? pidfd_process(call->args[0]) : call->args[0];

	switch (record->technique) {
	case TECHNIQUE_PTRACE:
		record->argument = call->args[0];
		record->target = call->args[1];
		if (record->argument != PTRACE_ATTACH && record->argument != PTRACE_SEIZE)
			return false;
		return argument_is_outside_session(record->target, state);
	case TECHNIQUE_VM_READ:
	case TECHNIQUE_VM_WRITE: record->target = first; return argument_is_outside_session(first, state);
	case TECHNIQUE_PIDFD_GETFD: record->target = first; return is_outside_session(first, state);
	case TECHNIQUE_SIGNAL: /* delivered signals are seen by proctor_signal */
		record->target = first;
		record->argument = named_argument(call);
		return call->result < 0 && is_protected(GUARD_PROCESS, first);
	case TECHNIQUE_BPF: record->argument = call->args[0]; return true;
	case TECHNIQUE_MOUNT: return is_in_host_mount_namespace(current_task());
	default: return true;
	}
}

__subprog void on_tamper_syscall(struct task_state *state, struct syscall *call)
{
	struct tamper_scratch *scratch = start_tamper(state, call->operation & (TAMPER - 1), call->result);
	long size;

	if (!scratch || !tamper_set_target(&scratch->record, state, call))
		return;
	count_started(state->session, RECORD_TAMPER);
	if (call->operation & BY_NAME) {
		size = bpf_probe_read_user_str(scratch->text, sizeof(scratch->text), (void *)named_argument(call));
		scratch->record.size = size > 0 ? size - 1 : 0;
	}
	send_tamper(scratch);
}

/* A program with more rights than its caller inherits a variable that makes the dynamic linker load a file. */
__subprog void on_preload(struct task_state *state)
{
	struct tamper_scratch *scratch = start_tamper(state, TECHNIQUE_PRELOAD, 0);

	count_started(state->session, RECORD_TAMPER);
	if (scratch)
		send_tamper(scratch);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(proctor_signal, int number, struct kernel_siginfo *info, struct task_struct *task)
{
	struct task_state *state = session_task_state(current_task());
	struct tamper_scratch *scratch;

	if (!state || !records_kind(state, RECORD_TAMPER) || !is_protected(GUARD_PROCESS, field_of(task, tgid)))
		return 0;
	if ((__u64)info == SEND_SIG_PRIV || ((__u64)info > SEND_SIG_PRIV && field_of(info, si_code) > 0))
		return 0;
	count_started(state->session, RECORD_TAMPER);
	scratch = start_tamper(state, TECHNIQUE_SIGNAL, 0);
	if (!scratch)
		return 0;
	scratch->record.argument = number;
	scratch->record.target = field_of(task, tgid);
	scratch->record.size = bpf_probe_read_kernel_str(scratch->text, sizeof(task->comm), task->comm) - 1;
	send_tamper(scratch);
	return 0;
}

struct directory_walk {
	struct dentry *dentry;
	bool guarded;
};

static LOOP_CB long step_above(__u32 index, struct directory_walk *walk)
{
	struct dentry *dentry = walk->dentry, *parent = field_of(dentry, d_parent);

	walk->guarded = is_protected(GUARD_CGROUP, field_of(dentry, d_inode, i_ino));
	if (walk->guarded || dentry == parent)
		return 1;
	walk->dentry = parent;
	return 0;
}

static __always_inline bool is_below_protected_cgroup(struct dentry *dentry)
{
	struct directory_walk walk = {.dentry = dentry};

	bpf_loop_compat(MAX_LEVELS, LEAST_LEVELS, step_above, &walk);
	return walk.guarded;
}

static __always_inline bool is_named(struct dentry *dentry, const char (*name)[8])
{
	char found[8] = {};

	bpf_probe_read_kernel_str(found, sizeof(found), field_of(dentry, d_name.name));
	return *(__u64 *)found == *(const __u64 *)name;
}

static __always_inline struct pid *process_of(struct inode *inode)
{
	struct proc_inode *proc = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);

	return field_of(proc, pid);
}

/* Writes to the memory of other processes, and the memory of the kernel. */
static __always_inline enum technique proc_technique(struct file *file, const struct task_state *state, __u32 *target)
{
	static const char memory[8] = "mem", kernel[8] = "kcore";
	struct dentry *dentry = field_of(file, f_path.dentry);
	struct pid *pid = process_of(field_of(file, f_inode));

	if (!pid)
		return is_named(dentry, &kernel) ? TECHNIQUE_KERNEL_MEMORY : TECHNIQUE_NONE;
	if (!(field_of(file, f_mode) & FMODE_WRITE) || !is_named(dentry, &memory))
		return TECHNIQUE_NONE;
	*target = number_of(pid);
	return is_outside_session(*target, state) ? TECHNIQUE_PROC_MEM : TECHNIQUE_NONE;
}

static __always_inline enum technique technique_of(struct file *file, const struct task_state *state, __u32 *target)
{
	struct inode *inode = field_of(file, f_inode);
	__u32 device;

	switch (field_of(inode, i_sb, s_magic)) {
	case PROC_SUPER_MAGIC: return proc_technique(file, state, target);
	case CGROUP2_SUPER_MAGIC:
		if (field_of(file, f_mode) & FMODE_WRITE && is_below_protected_cgroup(field_of(file, f_path.dentry)))
			return TECHNIQUE_CGROUP;
		return TECHNIQUE_NONE;
	}
	if ((field_of(inode, i_mode) & S_IFMT) != S_IFCHR)
		return TECHNIQUE_NONE;
	device = field_of(inode, i_rdev);
	if (device >> MINOR_BITS != MEMORY_DEVICES)
		return TECHNIQUE_NONE;
	switch (device & ((1 << MINOR_BITS) - 1)) { /* mem, kmem, port */
	case 1:
	case 2:
	case 4: return TECHNIQUE_KERNEL_MEMORY;
	default: return TECHNIQUE_NONE;
	}
}

__subprog void on_protected_file_opened(struct task_state *state, struct syscall *call)
{
	struct tamper_scratch *scratch;
	struct file *file = call->file;
	enum technique technique;
	__u32 target = 0, start;

	technique = file ? technique_of(file, state, &target) : TECHNIQUE_NONE;
	if (technique == TECHNIQUE_NONE)
		return;
	count_started(state->session, RECORD_TAMPER);
	scratch = start_tamper(state, technique, call->result);
	if (!scratch)
		return;
	scratch->record.target = target;
	start = write_path(&scratch->walk, field_of(file, f_path.dentry), field_of(file, f_path.mnt),
					   &scratch->record.header.flags);
	tamper_set_path(scratch, start);
	send_tamper(scratch);
}
