/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of attempts: those that a hook has noted, and those that are known by their end. */
#pragma once

#include "attempts.bpf.h"

#define SOCK_TYPE 0xf
#define SOCK_RAW 3
#define AF_PACKET 17
#define AF_VSOCK 40
#define AF_XDP 44
#define EALREADY 114

static __always_inline bool goes_on(long result)
{
	return result == -EINPROGRESS || result == -EALREADY || result == -EINTR;
}

/* The attempt that is pending is an event already; its outcome will be, or is now. Until then it is unfinished,
 * and stays so when the entry is evicted. */
static __always_inline void await(const struct task_state *state, struct sock *sk, long result, __u16 flags)
{
	struct beginning *beginning = bpf_map_lookup_elem(&proctor_pending, &sk);
	__u16 port;

	if (!beginning || state->pending.operation != OPERATION_CONNECT)
		return;
	if (!goes_on(result)) {
		bpf_map_delete_elem(&proctor_pending, &sk);
		return;
	}
	port = beginning->record.endpoints.source_port;
	describe_connection(&beginning->record, state, &state->pending, 0, flags);
	if (!beginning->record.endpoints.source_port)
		beginning->record.endpoints.source_port = port;
	count_started(state->session, RECORD_NETWORK);
	count_unfinished(state->session, RECORD_NETWORK, 1);
	beginning->waiting = true;
	__sync_fetch_and_add(&beginning->order, 1);
	if (beginning->ended)
		tell_outcome(sk, beginning);
}

/* What is pending has ended with this result. */
static __always_inline void finish(struct task_state *state, struct sock *sk, long result, __u16 flags)
{
	if (state->pending.operation == OPERATION_NONE)
		return;
	if (!state->reported) {
		tell(state, &state->pending, result, flags);
		if (sk)
			await(state, sk, result, flags);
	}
	drop_pending(state);
}

static __always_inline bool listening(struct endpoints *ends, struct sock *sk)
{
	ends->operation = OPERATION_LISTEN;
	ends->family = field_of(sk, __sk_common.skc_family);
	if (!is_inet(ends))
		return false;
	ends->protocol = field_of(sk, sk_protocol);
	read_source(ends, sk);
	return true;
}

static __always_inline bool accepted(struct endpoints *ends, struct sock *sk)
{
	if (!listening(ends, sk))
		return false;
	ends->operation = OPERATION_ACCEPT;
	ends->destination_port = bpf_ntohs(field_of(sk, __sk_common.skc_dport));
	read_address(ends->destination, sk, true);
	return true;
}

/* A socket that sends packets of the program's own making, or reaches others without an address. */
static __always_inline bool made(struct endpoints *ends, const struct task_state *state, const struct syscall *call)
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

static __always_inline void socket_made(struct task_state *state, const struct syscall *call, __u16 flags)
{
	struct endpoints ends = {};

	if (state->pending.operation == OPERATION_SOCKET)
		finish(state, NULL, call->result, flags);
	else if (wants(state, RECORD_NETWORK) && made(&ends, state, call))
		report(state, &ends, call->result, flags);
}
