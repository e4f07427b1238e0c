/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is done to sockets by requests to io_uring: at their end, or before when that will not be seen. */
#include "lib/endings.bpf.h"
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
static __always_inline void connect_requested(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	bool mine = state->pending.operation == OPERATION_CONNECT && state->socket == (__u64)sk;
	struct endpoints ends = {};

	if (!mine) {
		if (wants(state, RECORD_NETWORK) && !is_hooked(sk) && given_address(&ends, sk, call))
			report(state, &ends, call->result, VIA_IO_URING);
		return;
	}
	if (state->reported && !state->begun && !state->pending.denied && call->result < 0 && !goes_on(call->result)) {
		ends = state->pending;
		ends.operation = OPERATION_OUTCOME;
		report(state, &ends, call->result, VIA_IO_URING);
	}
	read_source(&state->pending, sk);
	finish(state, sk, call->result, VIA_IO_URING);
}

/* A request to listen has ended. The port that the kernel chooses is known by then. */
static __always_inline void listen_requested(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	bool mine = state->pending.operation == OPERATION_LISTEN && state->socket == (__u64)sk;
	struct endpoints ends = {};

	if (mine && !(state->reported && !state->pending.source_port)) {
		read_source(&state->pending, sk);
		finish(state, sk, call->result, VIA_IO_URING);
		return;
	}
	if (mine)
		drop_pending(state);
	else if (call->result >= 0 && is_stream(field_of(sk, sk_protocol)) && knobs.hooks & HOOK_STATES)
		return;
	if (listening(&ends, sk))
		report(state, &ends, call->result, VIA_IO_URING);
}

/* The same by a request to io_uring; sk is what it was made to, if it was a socket. */
SHARED void connection_requested(struct task_state *state, struct syscall *call, struct sock *sk)
{
	if (call->operation == SOCKET) {
		socket_made(state, call, VIA_IO_URING);
		return;
	}
	if (!sk)
		return;
	switch (call->operation) {
	case LISTEN:
		if (wants(state, RECORD_NETWORK))
			listen_requested(state, sk, call);
		break;
	case CONNECT: connect_requested(state, sk, call); break;
	default:
		if (state->pending.operation == OPERATION_SEND && state->socket == (__u64)sk)
			finish(state, sk, call->result, VIA_IO_URING);
	}
}

static __always_inline bool is_restricted(const struct task_state *state)
{
	__u32 *policy = policy_of(state->session);

	return !policy || *policy;
}

/* A request whose success posts no completion, and that no other hook sees. */
SHARED void connection_submitted(struct task_state *state, struct syscall *call, struct sock *sk)
{
	struct endpoints ends = {};
	bool known;

	if (call->operation == SOCKET) /* refused by a hook, which reports it */
		known = made(&ends, state, call) && !(is_inet(&ends) && is_restricted(state));
	else if (call->operation == LISTEN)
		known = sk && !(is_stream(field_of(sk, sk_protocol)) && knobs.hooks & HOOK_STATES) && listening(&ends, sk);
	else
		known = sk && !is_hooked(sk) && given_address(&ends, sk, call);
	if (known)
		report(state, &ends, 0, VIA_IO_URING | UNRESOLVED);
}

/* A request has accepted sk; or, when that is not known, may accept it unseen. */
SHARED void accept_requested(struct task_state *state, struct sock *listener, struct sock *sk)
{
	struct endpoints ends = {};

	if (sk ? !accepted(&ends, sk) : listener && !listening(&ends, listener))
		return;
	if (!sk && !listener)
		ends.family = AF_INET;
	ends.operation = OPERATION_ACCEPT;
	report(state, &ends, 0, sk ? VIA_IO_URING : VIA_IO_URING | UNRESOLVED);
}
