/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What has become of sockets: at the end of the system call, or later. */
#include "lib/connections.bpf.h"

#include <bpf/bpf_tracing.h>

#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define SOCK_TYPE 0xf
#define SOCK_RAW 3
#define AF_PACKET 17
#define AF_VSOCK 40
#define AF_XDP 44
#define EISCONN 106
#define ECONNABORTED 103
#define EALREADY 114
#define MAX_CONNECTING 4096

/* Sockets whose connect() is in progress: calling it again asks for the outcome and is no new attempt. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CONNECTING);
	__type(key, struct sock *);
	__type(value, __u8);
} connecting SEC(".maps");

static __always_inline void begun(struct sock *sk)
{
	struct task_state *state = state_of(current_task());
	struct beginning beginning = {};

	if (!state || state->pending.operation != OPERATION_CONNECT)
		return;
	read_source(&state->pending, sk);
	state->socket = (__u64)sk;
	bpf_map_update_elem(&beginnings, &sk, &beginning, BPF_ANY);
}

static __always_inline void ended(struct sock *sk, int state)
{
	struct beginning *beginning = bpf_map_lookup_elem(&beginnings, &sk);
	int error;

	if (!beginning)
		return;
	if (state == TCP_CLOSE) {
		error = field_of(sk, sk_err);
		beginning->result = error ? -error : -ECONNABORTED;
	}
	beginning->ended = true;
	__sync_fetch_and_add(&beginning->order, 1);
	if (beginning->waiting)
		tell_outcome(sk, beginning);
}

/* The moment a TCP connection gets its source (when it is refused, the socket forgets it), and its end. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sk, int before, int after)
{
	if (after == TCP_SYN_SENT)
		begun(sk);
	else if (before == TCP_SYN_SENT)
		ended(sk, after);
	return 0;
}

static __always_inline bool goes_on(long result)
{
	return result == -EINPROGRESS || result == -EALREADY || result == -EINTR;
}

/* The attempt that is pending is told already; its outcome will be, or is now. */
static __always_inline void await(const struct task_state *state, struct sock *sk, long result, __u16 flags)
{
	struct beginning *beginning = bpf_map_lookup_elem(&beginnings, &sk);

	if (!beginning || state->pending.operation != OPERATION_CONNECT)
		return;
	if (!goes_on(result)) {
		bpf_map_delete_elem(&beginnings, &sk);
		return;
	}
	describe_connection(&beginning->record, state, &state->pending, 0, flags);
	beginning->waiting = true;
	__sync_fetch_and_add(&beginning->order, 1);
	if (beginning->ended)
		tell_outcome(sk, beginning);
}

static __always_inline void accepted(struct task_state *state, struct sock *sk)
{
	struct endpoints ends = {.operation = OPERATION_ACCEPT};

	ends.family = field_of(sk, __sk_common.skc_family);
	if (!is_inet(&ends))
		return;
	ends.protocol = field_of(sk, sk_protocol);
	ends.destination_port = bpf_ntohs(field_of(sk, __sk_common.skc_dport));
	read_source(&ends, sk);
	read_address(ends.destination, sk, true);
	state->pending = ends;
}

static __always_inline void listening(struct task_state *state, struct sock *sk)
{
	struct endpoints ends = {.operation = OPERATION_LISTEN};

	ends.family = field_of(sk, __sk_common.skc_family);
	if (!is_inet(&ends))
		return;
	ends.protocol = field_of(sk, sk_protocol);
	read_source(&ends, sk);
	state->pending = ends;
}

static __always_inline void connected(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	struct endpoints *pending = &state->pending;
	bool again = bpf_map_delete_elem(&connecting, &sk) == 0;
	__u8 known = 1;

	if (goes_on(call->result))
		bpf_map_update_elem(&connecting, &sk, &known, BPF_ANY);
	if (pending->operation == OPERATION_NONE) {
		if (again || call->result == -EALREADY || call->result == -EISCONN)
			return;
		__builtin_memset(pending, 0, sizeof(*pending));
		given_address(pending, sk, call);
	}
}

/* A socket that sends packets of the program's own making, or reaches others without an address. */
static __always_inline void made(struct task_state *state, const struct syscall *call)
{
	__u32 family = call->args[0], *policy = policy_of(state->session);
	bool raw = (family == AF_INET || family == AF_INET6) && (call->args[1] & SOCK_TYPE) == SOCK_RAW;

	if (!raw && family != AF_PACKET && family != AF_VSOCK && family != AF_XDP)
		return;
	__builtin_memset(&state->pending, 0, sizeof(state->pending));
	state->pending.operation = OPERATION_SOCKET;
	state->pending.family = family;
	state->pending.protocol = raw ? call->args[2] : 0;
	state->pending.denied = call->result == -EPERM && policy && *policy; /* the right to it was taken away */
}

static __always_inline void look(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	switch (call->operation) {
	case ACCEPT: accepted(state, sk); return;
	case LISTEN: listening(state, sk); return;
	case CONNECT: connected(state, sk, call); break;
	default:;
	}
	if (is_inet(&state->pending))
		read_source(&state->pending, sk);
}

static __always_inline void finish(struct task_state *state, struct sock *sk, long result, __u16 flags)
{
	tell(state, result, flags);
	if (sk)
		await(state, sk, result, flags);
	state->pending.operation = OPERATION_NONE;
}

SHARED void suspend(struct task_state *state)
{
	bool connecting = state->pending.operation == OPERATION_CONNECT;

	finish(state, (struct sock *)state->socket, connecting ? -EINPROGRESS : 0, VIA_IO_URING);
}

SHARED void connection_made(struct task_state *state, struct syscall *call)
{
	struct sock *sk = NULL;

	if (call->operation == ENTER) {
		suspend(state);
		return;
	}
	if (call->operation == SOCKET) {
		if (state->pending.operation == OPERATION_NONE && wants(state, RECORD_NETWORK))
			made(state, call);
	} else if (wants(state, RECORD_NETWORK)) {
		sk = socket_of(call->operation == ACCEPT ? call->result : call->args[0]);
		if (sk)
			look(state, sk, call);
	}
	finish(state, sk, call->result, 0);
}

/* The same by a request to io_uring; sk is what it was made to, if it was a socket. */
SHARED void connection_requested(struct task_state *state, struct syscall *call, struct sock *sk)
{
	bool expected = wants(state, RECORD_NETWORK) && state->pending.operation == OPERATION_NONE;

	switch (call->operation) {
	case SOCKET:
		if (expected)
			made(state, call);
		break;
	case ACCEPT:
		sk = socket_of(call->result);
		if (expected && sk)
			accepted(state, sk);
		break;
	case LISTEN:
		if (expected && sk)
			listening(state, sk);
		break;
	case CONNECT: /* another's than what is pending was suspended */
		if (state->socket && state->socket != (__u64)sk)
			return;
		if (sk && is_inet(&state->pending))
			read_source(&state->pending, sk);
		break;
	default:;
	}
	finish(state, sk, call->result, VIA_IO_URING);
}
