/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hooks of cgroups. They tell the destination as the kernel has copied it, are called for every way to
 * connect or to send to an address, and can refuse; the end of the system call tells the result. */
#include "lib/connections.bpf.h"

#define PF_IO_WORKER 0x10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define MAX_DESTINATIONS 16384

struct destination {
	__u64 cookie; /* of the socket */
	__u32 session;
	__u16 port;
	__u16 denied;
	__u32 address[4]; /* IPv4 mapped into IPv6 */
};

/* Datagrams are recorded once for each socket and destination. An entry that was evicted is recorded again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_DESTINATIONS);
	__type(key, struct destination);
	__type(value, __u8);
} destinations SEC(".maps");

static __always_inline bool is_known(const struct destination *to)
{
	__u8 known = 1;

	if (bpf_map_lookup_elem(&destinations, to))
		return true;
	bpf_map_update_elem(&destinations, to, &known, BPF_ANY);
	return false;
}

/* Keep what a hook says until the system call ends, or until the next hook (sendmmsg). */
static __always_inline struct endpoints *note(struct task_state *state, enum network_operation operation,
											  __u16 family, __u16 protocol)
{
	struct endpoints *pending = &state->pending;

	if (pending->operation == OPERATION_CONNECT)
		suspend(state);
	else
		flush(state, 0, 0);
	state->socket = 0;
	__builtin_memset(pending, 0, sizeof(*pending));
	pending->operation = operation;
	pending->family = family;
	pending->protocol = protocol;
	return pending;
}

static __always_inline void noted(struct task_state *state)
{
	/* Workers of io_uring never return from a system call. */
	if (field_of(current_task(), flags) & PF_IO_WORKER && !knobs.requests)
		flush(state, 0, VIA_IO_URING);
}

/* Allow it, or refuse; a refusal is recorded whatever the session wants recorded. */
static __always_inline int judge(struct bpf_sock_addr *context, enum network_operation operation, __u16 family,
								 struct destination *to)
{
	struct task_state *state = state_of(current_task());
	struct endpoints *pending;

	if (!state)
		return 1;
	to->denied = !permitted(state->session, context->protocol, to->address, to->port);
	if (!to->denied && !wants(state, RECORD_NETWORK))
		return 1;
	to->session = state->session;
	to->cookie = bpf_get_socket_cookie(context);
	if (operation == OPERATION_SEND && is_known(to))
		return !to->denied;
	pending = note(state, operation, family, context->protocol);
	pending->destination_port = to->port;
	pending->denied = to->denied;
	if (family == AF_INET)
		__builtin_memcpy(pending->destination, &to->address[3], sizeof(to->address[3]));
	else
		__builtin_memcpy(pending->destination, to->address, sizeof(to->address));
	noted(state);
	return !to->denied;
}

static __always_inline void read_v4(struct destination *to, const struct bpf_sock_addr *context)
{
	to->port = bpf_ntohs(context->user_port);
	to->address[2] = bpf_htonl(0xffff);
	to->address[3] = context->user_ip4;
}

static __always_inline void read_v6(struct destination *to, const struct bpf_sock_addr *context)
{
	to->port = bpf_ntohs(context->user_port);
	to->address[0] = context->user_ip6[0];
	to->address[1] = context->user_ip6[1];
	to->address[2] = context->user_ip6[2];
	to->address[3] = context->user_ip6[3];
}

SEC("cgroup/connect4")
int connect_v4(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v4(&to, context);
	return judge(context, OPERATION_CONNECT, AF_INET, &to);
}

SEC("cgroup/connect6")
int connect_v6(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v6(&to, context);
	return judge(context, OPERATION_CONNECT, AF_INET6, &to);
}

SEC("cgroup/sendmsg4")
int send_v4(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v4(&to, context);
	return judge(context, OPERATION_SEND, AF_INET, &to);
}

SEC("cgroup/sendmsg6")
int send_v6(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v6(&to, context);
	return judge(context, OPERATION_SEND, AF_INET6, &to);
}

static __always_inline bool has_address(const struct bpf_sock *context)
{
	return (context->type == SOCK_STREAM && is_stream(context->protocol)) ||
		   (context->type == SOCK_DGRAM && is_datagram(context->protocol));
}

/* Packets of raw sockets and of ping pass no hook: who may not go everywhere gets none of them. */
SEC("cgroup/sock_create")
int create_socket(struct bpf_sock *context)
{
	struct task_state *state = state_of(current_task());
	__u32 *policy;

	if (!state || has_address(context))
		return 1;
	policy = policy_of(state->session);
	if (policy && !*policy)
		return 1;
	note(state, OPERATION_SOCKET, context->family, context->protocol)->denied = true;
	noted(state);
	return 0;
}
