/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every function that one file of the unit defines and others call, by the file that defines it. */
#pragma once

#include "lib/compat.bpf.h"

struct requested_file;
struct syscall;
struct task_state;

/* command.bpf.c */
void on_exec_failed(struct task_state *state, struct syscall *call) __subprog;

/* delegation.bpf.c */
bool on_daemon_syscall(struct task_state *state, const struct syscall *call) __subprog;
void on_daemon_fork(const struct task_state *parent, struct task_struct *child) __subprog;
void on_job_file_opened(const struct task_state *state, const struct syscall *call) __subprog;
struct task_state *on_exec_outside_session(struct task_struct *task, struct task_state *state,
										   struct linux_binprm *bprm) __subprog;

/* disk.bpf.c */
void on_file_opened(struct task_state *state, struct syscall *call) __subprog;
void on_uring_file_opened(struct task_state *state, const struct syscall *call,
						  const struct requested_file *requested) __subprog;

/* escape.bpf.c */
void on_cgroup_move(const struct task_state *state, struct task_struct *task, struct cgroup *to) __subprog;

/* job_request.bpf.c */
void on_message_sent(const struct task_state *state, const struct syscall *call) __subprog;

/* socket_syscall.bpf.c */
void on_network_syscall(struct task_state *state, struct syscall *call) __subprog;
void on_syscall_done(struct task_state *state, const struct syscall *call) __subprog;

/* socket_uring.bpf.c */
void on_uring_accept(struct task_state *state, struct sock *listener, struct sock *sk) __subprog;
void on_uring_network_done(struct task_state *state, struct syscall *call, struct sock *sk) __subprog;
void on_uring_network_submit(struct task_state *state, struct syscall *call, struct sock *sk) __subprog;

/* tamper.bpf.c */
void on_preload(struct task_state *state) __subprog;
void on_protected_file_opened(struct task_state *state, struct syscall *call) __subprog;
void on_tamper_syscall(struct task_state *state, struct syscall *call) __subprog;

/* tcp_state.bpf.c: report the pending attempt now, without its result, which is a record of its own */
void pending_flush(struct task_state *state, __u16 flags) __subprog;
