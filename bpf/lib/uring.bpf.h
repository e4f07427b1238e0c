/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What io_uring was asked to open, and what becomes of requests. */
#pragma once

#include "syscall.bpf.h"

#define REQUESTED_BYTES 1024
#define NO_DESCRIPTOR 0x7fffffff /* it went well, but there is no descriptor to see the file by */

struct requested_file {
	__u32 session;
	__u32 flags;
	__u32 size;	   /* of the path, as it was given */
	__u32 slot;	   /* of the ring's table, counted from 1, that is to hold the file rather than a descriptor; or 0 */
	int directory; /* a descriptor that the path begins at */
	char path[REQUESTED_BYTES];
};

struct sock;

void on_uring_file_opened(struct task_state *state, const struct syscall *call,
					const struct requested_file *requested) __subprog;
void on_uring_network_done(struct task_state *state, struct syscall *call, struct sock *sk) __subprog;
void on_uring_network_submit(struct task_state *state, struct syscall *call, struct sock *sk) __subprog;
void on_uring_accept(struct task_state *state, struct sock *listener, struct sock *sk) __subprog;
