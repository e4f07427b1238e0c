/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is seen of sockets by their state, in whatever task and at whatever time it changes. */
#include "lib/endings.bpf.h"

#include <bpf/bpf_tracing.h>

#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define ECONNABORTED 103

SHARED void settle(struct task_state *state, __u16 flags)
{
	finish(state, (struct sock *)state->socket, result_so_far(&state->pending), flags);
}

/* Is it the connection that the hooks of cgroups have noted? MPTCP connects with a socket of its own. */
static __always_inline bool is_pending(const struct task_state *state, struct sock *sk)
{
	if (state->pending.operation != OPERATION_CONNECT)
		return false;
	return state->socket == (__u64)sk ||
		   state->pending.destination_port == bpf_ntohs(field_of(sk, __sk_common.skc_dport));
}

/* The hooks of cgroups are gone, or were not asked. */
static __always_inline void note_begun(struct task_state *state, struct sock *sk)
{
	struct endpoints *pending = note(state, OPERATION_CONNECT, field_of(sk, __sk_common.skc_family),
									 field_of(sk, sk_protocol), sk);

	pending->destination_port = bpf_ntohs(field_of(sk, __sk_common.skc_dport));
	read_address(pending->destination, sk, true);
	noted(state);
}

static __always_inline void begun(struct sock *sk)
{
	struct task_state *state = state_of(current_task());
	struct beginning beginning = {};

	if (!state)
		return;
	if (!is_pending(state, sk)) {
		if (!wants(state, RECORD_NETWORK))
			return;
		note_begun(state, sk);
	}
	read_source(&state->pending, sk);
	state->socket = (__u64)sk;
	state->begun = true;
	bpf_map_update_elem(&proctor_pending, &sk, &beginning, BPF_ANY);
	if (state->reported)
		await(state, sk, -EINPROGRESS, VIA_IO_URING);
}

static __always_inline void ended(struct sock *sk, int state)
{
	struct beginning *beginning = bpf_map_lookup_elem(&proctor_pending, &sk);
	int error;

	if (!beginning)
		return;
	if (state == TCP_CLOSE) {
		error = field_of(sk, sk_err);
		beginning->result = error ? -error : -ECONNABORTED;
	}
	read_source(&beginning->record.endpoints, sk); /* the port may have been chosen since it was reported */
	beginning->ended = true;
	__sync_fetch_and_add(&beginning->order, 1);
	if (beginning->waiting)
		tell_outcome(sk, beginning);
}

/* A socket begins to listen, for whatever reason; that of the kernel below one of MPTCP is not meant. */
static __always_inline void listens(struct sock *sk)
{
	struct task_state *state = state_of(current_task());
	struct endpoints ends = {};

	if (!state || !wants(state, RECORD_NETWORK) || !field_of(sk, sk_socket, file) || !listening(&ends, sk))
		return;
	note(state, OPERATION_LISTEN, ends.family, ends.protocol, sk);
	state->pending = ends;
	noted(state);
}

/* The moment a TCP connection gets its source (when it is refused, the socket forgets it), and its end. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(proctor_tcp, struct sock *sk, int before, int after)
{
	if (after == TCP_SYN_SENT)
		begun(sk);
	else if (before == TCP_SYN_SENT)
		ended(sk, after);
	else if (after == TCP_LISTEN)
		listens(sk);
	return 0;
}
