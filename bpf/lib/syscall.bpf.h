/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls of x86-64 and of 32-bit programs, reduced to what we record. */
#pragma once

#include "syscall_table.h"

#define TS_COMPAT 0x2
#define ERESTART_FIRST -516
#define ERESTART_LAST -512

struct syscall {
	enum operation operation;
	bool compat;
	long result;
	__u64 args[4];
	struct file *file; /* that was opened, or that a request is made to */
};

/* socketcall(2) of 32-bit programs: the number of the call, then a pointer to its arguments. */
static __always_inline void decode_socketcall(struct syscall *call, const struct pt_regs *regs)
{
	__u32 number = regs->bx, args[3] = {};

	switch (number) {
	case 1: call->operation = SOCKET; break;
	case 3: call->operation = CONNECT; break;
	case 4: call->operation = LISTEN; break;
	case 5:
	case 18: call->operation = ACCEPT; break;
	case 9:
	case 11:
	case 16:
	case 20: call->operation = SENT; return;
	default: return;
	}
	bpf_probe_read_user(args, sizeof(args), (void *)(__u64)(__u32)regs->cx);
	call->args[0] = args[0];
	call->args[1] = args[1];
	call->args[2] = args[2];
}

static __always_inline void decode_syscall(struct syscall *call, const struct task_struct *task,
										   const struct pt_regs *regs, long result)
{
	__u64 number = regs->orig_ax;

	call->result = result >= ERESTART_FIRST && result <= ERESTART_LAST ? -EINTR : result;
	if (!(field_of(task, thread_info.status) & TS_COMPAT)) {
		call->operation = native_operation(number);
		call->args[0] = regs->di;
		call->args[1] = regs->si;
		call->args[2] = regs->dx;
		call->args[3] = regs->r10;
		return;
	}
	call->compat = true;
	call->operation = compat_operation(number);
	call->args[0] = (__u32)regs->bx;
	call->args[1] = (__u32)regs->cx;
	call->args[2] = (__u32)regs->dx;
	call->args[3] = (__u32)regs->si;
	if (number == 102)
		decode_socketcall(call, regs);
}

static __always_inline struct file *file_of(int descriptor)
{
	struct fdtable *table = field_of(current_task(), files, fdt);
	struct file **files;

	if (descriptor < 0 || (__u32)descriptor >= field_of(table, max_fds))
		return NULL;
	files = field_of(table, fd);
	return element_of(files, descriptor);
}
