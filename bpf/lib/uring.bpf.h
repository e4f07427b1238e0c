/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What io_uring was asked to open, and what becomes of requests. */
#pragma once

#include "syscall.bpf.h"

#define REQUESTED_BYTES 1024
#define NO_DESCRIPTOR 0x7fffffff /* it went well, but there is no descriptor to see the file by */

struct requested_file {
	__u32 flags;
	__u16 size; /* of the path, as it was given */
	__u16 slot; /* of a table of the ring, not to become a descriptor; or 0 */
	char path[REQUESTED_BYTES];
};

struct sock;

void file_requested(struct task_state *state, const struct syscall *call,
					const struct requested_file *requested) SHARED;
void connection_requested(struct task_state *state, struct syscall *call, struct sock *sk) SHARED;
