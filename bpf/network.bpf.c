/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections. The cgroup hooks tell the destination as the kernel has copied it, and are called for every
 * way to connect or to send to an address; the end of the system call tells the result. */
#include "lib/socket.bpf.h"

#include <bpf/bpf_tracing.h>

#define TCP_SYN_SENT 2
#define PF_IO_WORKER 0x10
#define EISCONN 106
#define EALREADY 114
#define EINPROGRESS 115
#define MAX_DESTINATIONS 16384
#define MAX_CONNECTING 4096

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 4096);
} connections SEC(".maps");

struct destination {
	__u64 cookie; /* of the socket */
	__u32 session;
	__u16 port;
	__u16 padding;
	__u8 address[16];
};

/* Datagrams are recorded once for each socket and destination. An entry that was evicted is recorded again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_DESTINATIONS);
	__type(key, struct destination);
	__type(value, __u8);
} destinations SEC(".maps");

/* Sockets whose connect() is in progress: calling it again asks for the outcome and is no new attempt. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CONNECTING);
	__type(key, struct sock *);
	__type(value, __u8);
} connecting SEC(".maps");

static __always_inline void send(const struct task_state *state, const struct endpoints *endpoints, long result)
{
	struct network_record *record = bpf_ringbuf_reserve(&connections, sizeof(*record), 0);

	count(state->session, RECORD_NETWORK, record);
	if (!record)
		return;
	fill_header(&record->header, state, RECORD_NETWORK, result < 0 ? result : 0);
	record->endpoints = *endpoints;
	bpf_ringbuf_submit(record, wake_after(&connections, sizeof(*record), knobs.network_mark));
}

static __always_inline void flush(struct task_state *state, long result)
{
	if (state->pending.operation == OPERATION_NONE)
		return;
	send(state, &state->pending, result);
	state->pending.operation = OPERATION_NONE;
}

/* Keep what a hook says until the system call ends, or until the next hook (sendmmsg). */
static __always_inline int note(struct bpf_sock_addr *context, enum network_operation operation, __u16 family,
								const struct destination *to)
{
	struct task_struct *task = current_task();
	struct task_state *state = state_of(task);
	struct endpoints *pending;

	if (!state || !wants(state, RECORD_NETWORK))
		return 1;
	flush(state, 0);
	pending = &state->pending;
	__builtin_memset(pending, 0, sizeof(*pending));
	pending->operation = operation;
	pending->family = family;
	pending->protocol = context->protocol;
	pending->destination_port = to->port;
	__builtin_memcpy(pending->destination, to->address, sizeof(pending->destination));
	if (field_of(task, flags) & PF_IO_WORKER) /* workers of io_uring never return from a system call */
		flush(state, 0);
	return 1;
}

static __always_inline int note_datagram(struct bpf_sock_addr *context, __u16 family, struct destination *to)
{
	struct task_state *state = state_of(current_task());
	__u8 known = 1;

	if (!state || !wants(state, RECORD_NETWORK))
		return 1;
	to->cookie = bpf_get_socket_cookie(context);
	to->session = state->session;
	if (bpf_map_lookup_elem(&destinations, to))
		return 1;
	bpf_map_update_elem(&destinations, to, &known, BPF_ANY);
	return note(context, OPERATION_SEND, family, to);
}

static __always_inline void read_v4(struct destination *to, const struct bpf_sock_addr *context)
{
	to->port = bpf_ntohs(context->user_port);
	*(__u32 *)to->address = context->user_ip4;
}

static __always_inline void read_v6(struct destination *to, const struct bpf_sock_addr *context)
{
	__u32 *words = (__u32 *)to->address;

	to->port = bpf_ntohs(context->user_port);
	words[0] = context->user_ip6[0];
	words[1] = context->user_ip6[1];
	words[2] = context->user_ip6[2];
	words[3] = context->user_ip6[3];
}

SEC("cgroup/connect4")
int connect_v4(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v4(&to, context);
	return note(context, OPERATION_CONNECT, AF_INET, &to);
}

SEC("cgroup/connect6")
int connect_v6(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v6(&to, context);
	return note(context, OPERATION_CONNECT, AF_INET6, &to);
}

SEC("cgroup/sendmsg4")
int send_v4(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v4(&to, context);
	return note_datagram(context, AF_INET, &to);
}

SEC("cgroup/sendmsg6")
int send_v6(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v6(&to, context);
	return note_datagram(context, AF_INET6, &to);
}

/* The moment a TCP connection gets its source; when it is refused, the socket forgets it. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sk, int before, int after)
{
	struct task_state *state;

	if (after != TCP_SYN_SENT)
		return 0;
	state = state_of(current_task());
	if (state && state->pending.operation == OPERATION_CONNECT)
		read_source(&state->pending, sk);
	return 0;
}

static __always_inline void accepted(struct task_state *state, struct sock *sk)
{
	struct endpoints ends = {.operation = OPERATION_ACCEPT};

	ends.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (!is_inet(&ends))
		return;
	ends.protocol = BPF_CORE_READ(sk, sk_protocol);
	ends.destination_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	read_source(&ends, sk);
	read_address(ends.destination, sk, true);
	send(state, &ends, 0);
}

static __always_inline void connected(struct task_state *state, struct sock *sk, const struct syscall *call)
{
	struct endpoints *pending = &state->pending;
	bool again = bpf_map_delete_elem(&connecting, &sk) == 0;
	__u8 known = 1;

	if (call->result == -EINPROGRESS || call->result == -EALREADY)
		bpf_map_update_elem(&connecting, &sk, &known, BPF_ANY);
	if (pending->operation == OPERATION_NONE) {
		if (again || call->result == -EALREADY || call->result == -EISCONN)
			return;
		__builtin_memset(pending, 0, sizeof(*pending));
		given_address(pending, sk, call);
	}
}

__hidden void connection_made(struct task_state *state, struct syscall *call)
{
	struct sock *sk = socket_of(call->operation == ACCEPT ? call->result : call->args[0]);

	if (sk && call->operation == ACCEPT)
		accepted(state, sk);
	if (sk && call->operation == CONNECT)
		connected(state, sk, call);
	if (sk && call->operation != ACCEPT)
		read_source(&state->pending, sk);
	flush(state, call->result);
}
