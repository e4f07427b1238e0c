/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is done to sockets, at the end of system calls. */
#include "lib/endings.bpf.h"

#define EISCONN 106
#define MAX_CONNECTING 4096

/* Sockets whose connect() is in progress: calling it again asks for the outcome and is no new attempt. One that
 * was evicted is recorded once more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CONNECTING);
	__type(key, struct sock *);
	__type(value, __u8);
} proctor_conning SEC(".maps");

static __always_inline void connected(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	bool again = bpf_map_delete_elem(&proctor_conning, &sk) == 0;
	struct endpoints ends = {};
	__u8 known = 1;

	if (goes_on(call->result))
		bpf_map_update_elem(&proctor_conning, &sk, &known, BPF_ANY);
	if (state->pending.operation != OPERATION_NONE) {
		read_source(&state->pending, sk);
		finish(state, sk, call->result, 0);
		return;
	}
	if (again || call->result == -EALREADY || call->result == -EISCONN || !given_address(&ends, sk, call))
		return;
	read_source(&ends, sk);
	report(state, &ends, call->result, 0);
}

static __always_inline void look(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	struct endpoints ends = {};

	switch (call->operation) {
	case ACCEPT:
		if (accepted(&ends, sk))
			report(state, &ends, call->result, 0);
		return;
	case CONNECT: connected(state, sk, call); return;
	case LISTEN:
		if (state->pending.operation == OPERATION_NONE) {
			if (listening(&ends, sk))
				report(state, &ends, call->result, 0);
			return;
		}
		break;
	default:;
	}
	if (is_inet(&state->pending))
		read_source(&state->pending, sk);
	finish(state, sk, call->result, 0);
}

/* Is it at the end of this call that the result is known of what a hook has noted? */
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
SHARED void call_ended(struct task_state *state, const struct syscall *call)
{
	if (!concludes(call->operation, state->pending.operation))
		settle(state, VIA_IO_URING);
}

SHARED void connection_made(struct task_state *state, struct syscall *call)
{
	struct sock *sk;

	if (call->operation == SOCKET) {
		socket_made(state, call, 0);
		return;
	}
	sk = wants(state, RECORD_NETWORK) ? socket_of(call->operation == ACCEPT ? call->result : call->args[0]) : NULL;
	if (sk)
		look(state, sk, call);
	else
		finish(state, NULL, call->result, 0);
}
