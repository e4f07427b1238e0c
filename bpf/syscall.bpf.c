/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one program at the end of system calls: all calls of all processes come through here, so that
 * 32-bit entries are seen too, and a process outside sessions must leave at once. */
#include "dispatch.bpf.h"

#include "lib/syscall.bpf.h"

#include <bpf/bpf_tracing.h>

const volatile struct knobs knobs SEC(".rodata.proctor") = {};

/* Types that no map mentions: here they get into the object's type information, where a test looks. */
const volatile struct {
	struct network_record network;
	struct tamper_record tamper;
	struct policy_key policy_key;
	struct policy_ports policy_ports;
	enum daemon daemon;
	enum technique technique;
	enum guard guard;
	enum record_kind kind;
	enum record_flags flags;
	enum command_text text;
	enum network_operation operation;
	enum hook hook;
} layouts = {};

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Hide the value from the verifier of Linux 6.1, which would follow one operation only and take the code of the
 * others for unreachable. */
static __always_inline void make_unknown(struct syscall *call)
{
	bpf_probe_read_kernel(&call->operation, sizeof(call->operation), &call->operation);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(proctor_sysexit, struct pt_regs *regs, long result)
{
	struct task_struct *task = current_task();
	struct task_state *state = task_state_lookup(task);
	struct syscall call = {};

	if (!state)
		return 0;
	decode_syscall(&call, task, regs, result);
	if (!state->session && !on_daemon_syscall(state, &call))
		return 0;
	if (call.operation >= WRITE && call.operation <= SENDMSG) {
		on_message_sent(state, &call);
		call.operation = SENT;
	}
	if (state->pending.operation != OPERATION_NONE)
		on_syscall_done(state, &call);
	if (call.operation & TAMPER && records_kind(state, RECORD_TAMPER))
		on_tamper_syscall(state, &call);
	switch (call.operation) {
	case OPEN:
	case CREAT:
	case OPENAT:
	case OPENAT2:
	case OPEN_HANDLE:
		call.file = file_of(call.result);
		if (records_kind(state, RECORD_DISK)) {
			count_started(state->session, RECORD_DISK);
			on_file_opened(state, &call);
		}
		if (call.result >= 0 && records_kind(state, RECORD_TAMPER))
			on_protected_file_opened(state, &call);
		if (call.result >= 0)
			on_job_file_opened(state, &call);
		break;
	case EXEC:
	case EXECAT:
		if (call.result < 0 && records_kind(state, RECORD_COMMAND)) {
			count_started(state->session, RECORD_COMMAND);
			on_exec_failed(state, &call);
		}
		break;
	case SOCKET:
	case CONNECT:
	case ACCEPT:
	case LISTEN:
		if (!records_kind(state, RECORD_NETWORK) && state->pending.operation == OPERATION_NONE)
			break;
		make_unknown(&call);
		on_network_syscall(state, &call);
		break;
	case SENT:
		if (state->pending.operation == OPERATION_NONE)
			break;
		make_unknown(&call);
		on_network_syscall(state, &call);
		break;
	default:;
	}
	return 0;
}
