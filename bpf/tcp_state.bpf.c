/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes of the state of TCP sockets, in any task. */
#include "dispatch.bpf.h"

#include "lib/connection_result.bpf.h"

#include <bpf/bpf_tracing.h>

#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10

__subprog void pending_flush(struct task_state *state, __u16 flags)
{
	pending_finish(state, (struct sock *)state->socket, result_so_far(&state->pending), flags);
}

/* Is it the connection that the hooks of cgroups have seen? MPTCP connects with a socket of its own. */
static __always_inline bool is_pending(const struct task_state *state, struct sock *sk)
{
	if (state->pending.operation != OPERATION_CONNECT)
		return false;
	return state->socket == (__u64)sk ||
		   state->pending.destination_port == bpf_ntohs(field_of(sk, __sk_common.skc_dport));
}

/* The hooks of cgroups are detached, or did not run. */
static __always_inline void pending_start_unhooked(struct task_state *state, struct sock *sk)
{
	struct endpoints *pending =
		pending_start(state, OPERATION_CONNECT, field_of(sk, __sk_common.skc_family), field_of(sk, sk_protocol), sk);

	pending->destination_port = bpf_ntohs(field_of(sk, __sk_common.skc_dport));
	read_address(pending->destination, sk, true);
	pending_submit_in_worker(state);
}

static __always_inline void on_connect_start(struct sock *sk)
{
	struct task_state *state = session_task_state(current_task());
	struct pending_connect connect = {};

	if (!state)
		return;
	if (!is_pending(state, sk)) {
		if (!records_kind(state, RECORD_NETWORK))
			return;
		pending_start_unhooked(state, sk);
	}
	read_source(&state->pending, sk);
	state->socket = (__u64)sk;
	state->begun = true;
	bpf_map_update_elem(&proctor_pending, &sk, &connect, BPF_ANY);
	if (state->reported)
		await_outcome(state, sk, -EINPROGRESS, VIA_IO_URING);
}

static __always_inline void on_connect_done(struct sock *sk, int state)
{
	struct pending_connect *connect = bpf_map_lookup_elem(&proctor_pending, &sk);
	int error;

	if (!connect)
		return;
	if (state == TCP_CLOSE) {
		error = field_of(sk, sk_err);
		connect->result = error ? -error : -ECONNABORTED;
	}
	read_source(&connect->record.endpoints, sk); /* the port may have been chosen since it was reported */
	connect->ended = true;
	__sync_fetch_and_add(&connect->order, 1);
	if (connect->waiting)
		submit_outcome(sk, connect);
}

/* A socket begins to listen, for whatever reason; the internal subflow of an MPTCP socket is skipped. */
static __always_inline void on_listen(struct sock *sk)
{
	struct task_state *state = session_task_state(current_task());
	struct endpoints ends = {};

	if (!state || !records_kind(state, RECORD_NETWORK) || !field_of(sk, sk_socket, file) || !fill_listen(&ends, sk))
		return;
	pending_start(state, OPERATION_LISTEN, ends.family, ends.protocol, sk);
	state->pending = ends;
	pending_submit_in_worker(state);
}

/* The moment a TCP connection gets its source (when it is refused, the socket forgets it), and its end. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(proctor_tcp, struct sock *sk, int before, int after)
{
	if (after == TCP_SYN_SENT)
		on_connect_start(sk);
	else if (before == TCP_SYN_SENT)
		on_connect_done(sk, after);
	else if (after == TCP_LISTEN)
		on_listen(sk);
	return 0;
}
