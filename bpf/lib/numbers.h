/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls that can blind or mislead the record, by number. */
#pragma once

#include "session.bpf.h"

#define X32_BIT 0x40000000

enum operation {
	NOTHING, OPEN, CREAT, OPENAT, OPENAT2, OPEN_HANDLE, CONNECT, ACCEPT, EXEC, EXECAT, SOCKET, LISTEN, ENTER,
	WRITE, WRITEV, SENDTO, SENDMSG,
	TAMPER = 64,		 /* and the number of a technique */
	BY_DESCRIPTOR = 128, /* the process is told by a pidfd */
	BY_NAME = 1024,		 /* what it is done to is told by a text */
};

#define ARGUMENT_SHIFT 8
/* A guarded call, and which argument tells what it is done to; of signals, which tells the signal. */
#define GUARDED(technique, argument) (TAMPER + (technique) + ((argument) << ARGUMENT_SHIFT))


static __always_inline enum operation native_tampering(__u32 number)
{
	switch (number) {
	case 62:  /* kill */
	case 129: /* rt_sigqueueinfo */
	case 200: /* tkill */
	case X32_BIT | 524: return GUARDED(TECHNIQUE_SIGNAL, 1);
	case 234: /* tgkill */
	case 297: /* rt_tgsigqueueinfo */
	case X32_BIT | 536: return GUARDED(TECHNIQUE_SIGNAL, 2);
	case 424: return GUARDED(TECHNIQUE_SIGNAL, 1) + BY_DESCRIPTOR;
	case 438: return GUARDED(TECHNIQUE_PIDFD_GETFD, 0) + BY_DESCRIPTOR;
	case 101:
	case X32_BIT | 521: return GUARDED(TECHNIQUE_PTRACE, 1);
	case 310:
	case X32_BIT | 539: return GUARDED(TECHNIQUE_VM_READ, 0);
	case 311:
	case X32_BIT | 540: return GUARDED(TECHNIQUE_VM_WRITE, 0);
	case 321: return GUARDED(TECHNIQUE_BPF, 0);
	case 298: return GUARDED(TECHNIQUE_PERF, 0);
	case 425: return GUARDED(TECHNIQUE_IO_URING, 0);
	case 175: /* init_module */
	case 313: return GUARDED(TECHNIQUE_MODULE, 0);
	case 176: /* delete_module */ return GUARDED(TECHNIQUE_MODULE, 0) + BY_NAME;
	case 246: /* kexec_load */
	case 320: /* kexec_file_load */
	case X32_BIT | 528: return GUARDED(TECHNIQUE_KEXEC, 0);
	case 155: /* pivot_root */
	case 166: /* umount2 */ return GUARDED(TECHNIQUE_MOUNT, 0) + BY_NAME;
	case 165: /* mount */
	case 442: /* mount_setattr */ return GUARDED(TECHNIQUE_MOUNT, 1) + BY_NAME;
	case 429: /* move_mount */ return GUARDED(TECHNIQUE_MOUNT, 3) + BY_NAME;
	case 164: /* settimeofday */
	case 227: /* clock_settime */ return GUARDED(TECHNIQUE_CLOCK, 0);
	case 172: /* iopl */
	case 173: /* ioperm */ return GUARDED(TECHNIQUE_KERNEL_MEMORY, 0);
	default: return NOTHING;
	}
}

static __always_inline enum operation compat_tampering(__u32 number)
{
	switch (number) {
	case 37:  /* kill */
	case 178: /* rt_sigqueueinfo */
	case 238: /* tkill */ return GUARDED(TECHNIQUE_SIGNAL, 1);
	case 270: /* tgkill */
	case 335: /* rt_tgsigqueueinfo */ return GUARDED(TECHNIQUE_SIGNAL, 2);
	case 424: return GUARDED(TECHNIQUE_SIGNAL, 1) + BY_DESCRIPTOR;
	case 438: return GUARDED(TECHNIQUE_PIDFD_GETFD, 0) + BY_DESCRIPTOR;
	case 26: return GUARDED(TECHNIQUE_PTRACE, 1);
	case 347: return GUARDED(TECHNIQUE_VM_READ, 0);
	case 348: return GUARDED(TECHNIQUE_VM_WRITE, 0);
	case 357: return GUARDED(TECHNIQUE_BPF, 0);
	case 336: return GUARDED(TECHNIQUE_PERF, 0);
	case 425: return GUARDED(TECHNIQUE_IO_URING, 0);
	case 128: /* init_module */
	case 350: return GUARDED(TECHNIQUE_MODULE, 0);
	case 129: /* delete_module */ return GUARDED(TECHNIQUE_MODULE, 0) + BY_NAME;
	case 283: return GUARDED(TECHNIQUE_KEXEC, 0);
	case 22:  /* umount */
	case 52:  /* umount2 */
	case 217: /* pivot_root */ return GUARDED(TECHNIQUE_MOUNT, 0) + BY_NAME;
	case 21:  /* mount */
	case 442: /* mount_setattr */ return GUARDED(TECHNIQUE_MOUNT, 1) + BY_NAME;
	case 429: /* move_mount */ return GUARDED(TECHNIQUE_MOUNT, 3) + BY_NAME;
	case 25:  /* stime */
	case 79:  /* settimeofday */
	case 264: /* clock_settime */
	case 404: /* clock_settime64 */ return GUARDED(TECHNIQUE_CLOCK, 0);
	case 101: /* ioperm */
	case 110: /* iopl */ return GUARDED(TECHNIQUE_KERNEL_MEMORY, 0);
	default: return NOTHING;
	}
}
