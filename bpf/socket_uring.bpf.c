/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Network requests to io_uring: at their completion, or before when that will not be seen. */
#include "dispatch.bpf.h"

#include "lib/connection_result.bpf.h"
#include "lib/uring.bpf.h"

/* Do the hooks of cgroups see what is done with such a socket? */
static __always_inline bool is_hooked(struct sock *sk)
{
	__u16 protocol = field_of(sk, sk_protocol);

	if (is_stream(protocol))
		return knobs.hooks & (HOOK_CONNECTIONS | HOOK_STATES);
	return is_datagram(protocol) && knobs.hooks & HOOK_CONNECTIONS;
}

/* A request to connect has ended. If it was reported before, only a failure that no state of the socket shows is
 * news. */
static __always_inline void on_uring_connect_done(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	bool mine = state->pending.operation == OPERATION_CONNECT && state->socket == (__u64)sk;
	struct endpoints ends = {};

	if (!mine) {
		if (records_kind(state, RECORD_NETWORK) && !is_hooked(sk) && given_address(&ends, sk, call))
			count_and_submit_attempt(state, &ends, call->result, VIA_IO_URING);
		return;
	}
	if (state->reported && !state->begun && !state->pending.denied && call->result < 0 &&
		!is_in_progress(call->result)) {
		ends = state->pending;
		ends.operation = OPERATION_OUTCOME;
		count_and_submit_attempt(state, &ends, call->result, VIA_IO_URING);
	}
	read_source(&state->pending, sk);
	pending_finish(state, sk, call->result, VIA_IO_URING);
}

/* A request to listen has ended. The port that the kernel chooses is known by then. */
static __always_inline void on_uring_listen_done(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	bool mine = state->pending.operation == OPERATION_LISTEN && state->socket == (__u64)sk;
	struct endpoints ends = {};

	if (mine && !(state->reported && !state->pending.source_port)) {
		read_source(&state->pending, sk);
		pending_finish(state, sk, call->result, VIA_IO_URING);
		return;
	}
	if (mine)
		pending_clear(state);
	else if (call->result >= 0 && is_stream(field_of(sk, sk_protocol)) && knobs.hooks & HOOK_STATES)
		return;
	if (fill_listen(&ends, sk))
		count_and_submit_attempt(state, &ends, call->result, VIA_IO_URING);
}

/* The same by a request to io_uring; sk is what it was made to, if it was a socket. */
__subprog void on_uring_network_done(struct task_state *state, struct syscall *call, struct sock *sk)
{
	if (call->operation == SOCKET) {
		on_socket_created(state, call, VIA_IO_URING);
		return;
	}
	if (!sk)
		return;
	switch (call->operation) {
	case LISTEN:
		if (records_kind(state, RECORD_NETWORK))
			on_uring_listen_done(state, sk, call);
		break;
	case CONNECT: on_uring_connect_done(state, sk, call); break;
	default:
		if (state->pending.operation == OPERATION_SEND && state->socket == (__u64)sk)
			pending_finish(state, sk, call->result, VIA_IO_URING);
	}
}

static __always_inline bool is_restricted(const struct task_state *state)
{
	__u32 *policy = policy_of(state->session);

	return !policy || *policy;
}

/* A request whose success posts no completion, and that no other hook sees. */
__subprog void on_uring_network_submit(struct task_state *state, struct syscall *call, struct sock *sk)
{
	struct endpoints ends = {};
	bool known;

	if (call->operation == SOCKET) /* refused by a hook, which reports it */
		known = fill_socket(&ends, state, call) && !(is_inet(&ends) && is_restricted(state));
	else if (call->operation == LISTEN)
		known = sk && !(is_stream(field_of(sk, sk_protocol)) && knobs.hooks & HOOK_STATES) && fill_listen(&ends, sk);
	else
		known = sk && !is_hooked(sk) && given_address(&ends, sk, call);
	if (known)
		count_and_submit_attempt(state, &ends, 0, VIA_IO_URING | UNRESOLVED);
}

/* A request has accepted sk; or, when that is not known, may accept it unseen. */
__subprog void on_uring_accept(struct task_state *state, struct sock *listener, struct sock *sk)
{
	struct endpoints ends = {};

	if (sk ? !fill_accept(&ends, sk) : listener && !fill_listen(&ends, listener))
		return;
	if (!sk && !listener)
		ends.family = AF_INET;
	ends.operation = OPERATION_ACCEPT;
	count_and_submit_attempt(state, &ends, 0, sk ? VIA_IO_URING : VIA_IO_URING | UNRESOLVED);
}
