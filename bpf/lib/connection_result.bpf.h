/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Results of attempts: of those that a hook has seen, and those that are known by their end. */
#pragma once

#include "pending_connect.bpf.h"

static __always_inline bool is_in_progress(long result)
{
	return result == -EINPROGRESS || result == -EALREADY || result == -EINTR;
}

/* The attempt that is pending is an event already; its outcome will be, or is now. Until then it is unfinished,
 * and stays so when the entry is evicted. */
static __always_inline void await_outcome(const struct task_state *state, struct sock *sk, long result, __u16 flags)
{
	struct pending_connect *connect = bpf_map_lookup_elem(&proctor_pending, &sk);
	__u16 port;

	if (!connect || state->pending.operation != OPERATION_CONNECT)
		return;
	if (!is_in_progress(result)) {
		bpf_map_delete_elem(&proctor_pending, &sk);
		return;
	}
	port = connect->record.endpoints.source_port;
	fill_network_record(&connect->record, state, &state->pending, 0, flags);
	if (!connect->record.endpoints.source_port)
		connect->record.endpoints.source_port = port;
	count_started(state->session, RECORD_NETWORK);
	count_unfinished(state->session, RECORD_NETWORK, 1);
	connect->waiting = true;
	__sync_fetch_and_add(&connect->order, 1);
	if (connect->ended)
		submit_outcome(sk, connect);
}

/* What is pending has ended with this result. */
static __always_inline void pending_finish(struct task_state *state, struct sock *sk, long result, __u16 flags)
{
	if (state->pending.operation == OPERATION_NONE)
		return;
	if (!state->reported) {
		submit_attempt(state, &state->pending, result, flags);
		if (sk)
			await_outcome(state, sk, result, flags);
	}
	pending_clear(state);
}

static __always_inline bool fill_listen(struct endpoints *ends, struct sock *sk)
{
	ends->operation = OPERATION_LISTEN;
	ends->family = field_of(sk, __sk_common.skc_family);
	if (!is_inet(ends))
		return false;
	ends->protocol = field_of(sk, sk_protocol);
	read_source(ends, sk);
	return true;
}

static __always_inline bool fill_accept(struct endpoints *ends, struct sock *sk)
{
	if (!fill_listen(ends, sk))
		return false;
	ends->operation = OPERATION_ACCEPT;
	ends->destination_port = bpf_ntohs(field_of(sk, __sk_common.skc_dport));
	read_address(ends->destination, sk, true);
	return true;
}

/* A socket that sends packets of the program's own making, or reaches others without an address. */
static __always_inline bool fill_socket(struct endpoints *ends, const struct task_state *state,
										const struct syscall *call)
{
	__u32 family = call->args[0], *policy = policy_of(state->session);
	bool raw = (family == AF_INET || family == AF_INET6) && (call->args[1] & SOCK_TYPE) == SOCK_RAW;

	if (!raw && family != AF_PACKET && family != AF_VSOCK && family != AF_XDP)
		return false;
	ends->operation = OPERATION_SOCKET;
	ends->family = family;
	ends->protocol = raw ? call->args[2] : 0;
	ends->denied = call->result == -EPERM && policy && *policy; /* the right to it was taken away */
	return true;
}

static __always_inline void on_socket_created(struct task_state *state, const struct syscall *call, __u16 flags)
{
	struct endpoints ends = {};

	if (state->pending.operation == OPERATION_SOCKET)
		pending_finish(state, NULL, call->result, flags);
	else if (records_kind(state, RECORD_NETWORK) && fill_socket(&ends, state, call))
		count_and_submit_attempt(state, &ends, call->result, flags);
}
