/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls by number: which of them we record, and which can blind or mislead the record.
 *
 * Tables, since every call of a session looks here; and since the verifier of Linux 6.1 follows a known
 * operation through the program and then takes code that others need for unreachable. */
#pragma once

#include "session.bpf.h"

#if !defined(__TARGET_ARCH_x86)
#error "system call numbers are known for x86-64 only"
#endif

enum operation {
	NOTHING, OPEN, CREAT, OPENAT, OPENAT2, OPEN_HANDLE, CONNECT, ACCEPT, EXEC, EXECAT, SOCKET, LISTEN, ENTER,
	WRITE, WRITEV, SENDTO, SENDMSG,
	SENT, /* to a socket, without a look at the message */
	TAMPER = 64,		 /* and the number of a technique */
	BY_DESCRIPTOR = 128, /* the process is given by a pidfd */
	BY_NAME = 1024,		 /* the target is given by a text */
};

#define ARGUMENT_SHIFT 8
/* A guarded call, and which argument is its target; of signals, the number of the signal. */
#define GUARDED(technique, argument) (TAMPER + (TECHNIQUE_##technique) + ((argument) << ARGUMENT_SHIFT))

#define NUMBERS 1024

/* Of x86-64; from 512 on, of x32, whose other numbers are those of x86-64. */
#define X32_BIT 0x40000000
#define X32_FIRST 512

static const __u16 native_operations[NUMBERS] = {
	[1] = WRITE, [2] = OPEN, [20] = WRITEV, [41] = SOCKET, [42] = CONNECT, [43] = ACCEPT, [44] = SENDTO,
	[46] = SENDMSG, [50] = LISTEN, [59] = EXEC, [85] = CREAT, [257] = OPENAT, [288] = ACCEPT,
	[304] = OPEN_HANDLE, [307] = SENT, [322] = EXECAT, [426] = ENTER, [437] = OPENAT2, [518] = SENT, [520] = EXEC,
	[538] = SENT, [545] = EXECAT,

	[62] = GUARDED(SIGNAL, 1), /* kill */
	[129] = GUARDED(SIGNAL, 1), /* rt_sigqueueinfo */
	[200] = GUARDED(SIGNAL, 1), /* tkill */
	[234] = GUARDED(SIGNAL, 2), /* tgkill */
	[297] = GUARDED(SIGNAL, 2), /* rt_tgsigqueueinfo */
	[424] = GUARDED(SIGNAL, 1) + BY_DESCRIPTOR,
	[524] = GUARDED(SIGNAL, 1),
	[536] = GUARDED(SIGNAL, 2),
	[438] = GUARDED(PIDFD_GETFD, 0) + BY_DESCRIPTOR,
	[101] = GUARDED(PTRACE, 1), [521] = GUARDED(PTRACE, 1),
	[310] = GUARDED(VM_READ, 0), [539] = GUARDED(VM_READ, 0),
	[311] = GUARDED(VM_WRITE, 0), [540] = GUARDED(VM_WRITE, 0),
	[321] = GUARDED(BPF, 0),
	[298] = GUARDED(PERF, 0),
	[425] = GUARDED(IO_URING, 0),
	[175] = GUARDED(MODULE, 0), /* init_module */
	[313] = GUARDED(MODULE, 0), /* finit_module */
	[176] = GUARDED(MODULE, 0) + BY_NAME, /* delete_module */
	[246] = GUARDED(KEXEC, 0), [320] = GUARDED(KEXEC, 0), [528] = GUARDED(KEXEC, 0),
	[155] = GUARDED(MOUNT, 0) + BY_NAME, /* pivot_root */
	[166] = GUARDED(MOUNT, 0) + BY_NAME, /* umount2 */
	[165] = GUARDED(MOUNT, 1) + BY_NAME, /* mount */
	[442] = GUARDED(MOUNT, 1) + BY_NAME, /* mount_setattr */
	[429] = GUARDED(MOUNT, 3) + BY_NAME, /* move_mount */
	[164] = GUARDED(CLOCK, 0), /* settimeofday */
	[227] = GUARDED(CLOCK, 0), /* clock_settime */
	[172] = GUARDED(KERNEL_MEMORY, 0), /* iopl */
	[173] = GUARDED(KERNEL_MEMORY, 0), /* ioperm */
};

static const __u16 compat_operations[NUMBERS] = {
	[5] = OPEN, [8] = CREAT, [11] = EXEC, [295] = OPENAT, [342] = OPEN_HANDLE, [358] = EXECAT, [359] = SOCKET,
	[345] = SENT, [362] = CONNECT, [363] = LISTEN, [364] = ACCEPT, [369] = SENT, [370] = SENT, [426] = ENTER,
	[437] = OPENAT2,

	[37] = GUARDED(SIGNAL, 1), /* kill */
	[178] = GUARDED(SIGNAL, 1), /* rt_sigqueueinfo */
	[238] = GUARDED(SIGNAL, 1), /* tkill */
	[270] = GUARDED(SIGNAL, 2), /* tgkill */
	[335] = GUARDED(SIGNAL, 2), /* rt_tgsigqueueinfo */
	[424] = GUARDED(SIGNAL, 1) + BY_DESCRIPTOR,
	[438] = GUARDED(PIDFD_GETFD, 0) + BY_DESCRIPTOR,
	[26] = GUARDED(PTRACE, 1),
	[347] = GUARDED(VM_READ, 0),
	[348] = GUARDED(VM_WRITE, 0),
	[357] = GUARDED(BPF, 0),
	[336] = GUARDED(PERF, 0),
	[425] = GUARDED(IO_URING, 0),
	[128] = GUARDED(MODULE, 0), /* init_module */
	[350] = GUARDED(MODULE, 0), /* finit_module */
	[129] = GUARDED(MODULE, 0) + BY_NAME, /* delete_module */
	[283] = GUARDED(KEXEC, 0),
	[22] = GUARDED(MOUNT, 0) + BY_NAME, /* umount */
	[52] = GUARDED(MOUNT, 0) + BY_NAME, /* umount2 */
	[217] = GUARDED(MOUNT, 0) + BY_NAME, /* pivot_root */
	[21] = GUARDED(MOUNT, 1) + BY_NAME, /* mount */
	[442] = GUARDED(MOUNT, 1) + BY_NAME, /* mount_setattr */
	[429] = GUARDED(MOUNT, 3) + BY_NAME, /* move_mount */
	[25] = GUARDED(CLOCK, 0), /* stime */
	[79] = GUARDED(CLOCK, 0), /* settimeofday */
	[264] = GUARDED(CLOCK, 0), /* clock_settime */
	[404] = GUARDED(CLOCK, 0), /* clock_settime64 */
	[101] = GUARDED(KERNEL_MEMORY, 0), /* ioperm */
	[110] = GUARDED(KERNEL_MEMORY, 0), /* iopl */
};

static __always_inline enum operation native_operation(__u64 number)
{
	__u32 index = number & (NUMBERS - 1);

	if (number & ~(__u64)(X32_BIT | (NUMBERS - 1)) || (index >= X32_FIRST && !(number & X32_BIT)))
		return NOTHING;
	return native_operations[index];
}

static __always_inline enum operation compat_operation(__u64 number)
{
	return number < NUMBERS ? compat_operations[number & (NUMBERS - 1)] : NOTHING;
}
