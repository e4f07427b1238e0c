/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Network system calls, at their end. */
#include "dispatch.bpf.h"

#include "lib/connection_result.bpf.h"

#define MAX_CONNECTING 4096

/* Sockets whose connect() is in progress: calling it again asks for the outcome and is no new attempt. One that
 * was evicted is recorded once more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CONNECTING);
	__type(key, struct sock *);
	__type(value, __u8);
} proctor_conning SEC(".maps");

static __always_inline void on_connect_syscall(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	bool again = bpf_map_delete_elem(&proctor_conning, &sk) == 0;
	struct endpoints ends = {};
	__u8 known = 1;

	if (is_in_progress(call->result))
		bpf_map_update_elem(&proctor_conning, &sk, &known, BPF_ANY);
	if (state->pending.operation != OPERATION_NONE) {
		read_source(&state->pending, sk);
		pending_finish(state, sk, call->result, 0);
		return;
	}
	if (again || call->result == -EALREADY || call->result == -EISCONN || !given_address(&ends, sk, call))
		return;
	read_source(&ends, sk);
	count_and_submit_attempt(state, &ends, call->result, 0);
}

static __always_inline void on_socket_syscall(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	struct endpoints ends = {};

	switch (call->operation) {
	case ACCEPT:
		if (fill_accept(&ends, sk))
			count_and_submit_attempt(state, &ends, call->result, 0);
		return;
	case CONNECT: on_connect_syscall(state, sk, call); return;
	case LISTEN:
		if (state->pending.operation == OPERATION_NONE) {
			if (fill_listen(&ends, sk))
				count_and_submit_attempt(state, &ends, call->result, 0);
			return;
		}
		break;
	default:;
	}
	if (is_inet(&state->pending))
		read_source(&state->pending, sk);
	pending_finish(state, sk, call->result, 0);
}

/* Does the end of this call give the result of the pending attempt? */
static __always_inline bool concludes(enum operation call, __u16 pending)
{
	switch (pending) {
	case OPERATION_CONNECT: return call == CONNECT || call == SENT;
	case OPERATION_SEND: return call == SENT;
	case OPERATION_LISTEN: return call == LISTEN;
	case OPERATION_SOCKET: return call == SOCKET;
	default: return false;
	}
}

/* At the end of any call: what is pending from before it, or by io_uring on the way, is reported now. */
__subprog void on_syscall_done(struct task_state *state, const struct syscall *call)
{
	if (!concludes(call->operation, state->pending.operation))
		pending_flush(state, VIA_IO_URING);
}

__subprog void on_network_syscall(struct task_state *state, struct syscall *call)
{
	struct sock *sk;

	if (call->operation == SOCKET) {
		on_socket_created(state, call, 0);
		return;
	}
	sk = records_kind(state, RECORD_NETWORK) ? socket_of(call->operation == ACCEPT ? call->result : call->args[0])
											 : NULL;
	if (sk)
		on_socket_syscall(state, sk, call);
	else
		pending_finish(state, NULL, call->result, 0);
}
