/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks of cgroups. They see the destination as the kernel has copied it, run for every way to connect or to send
 * to an address, and can refuse; the result is known at the end of the system call. */
#include "lib/pending_connect.bpf.h"

/* Allow or refuse; a refusal is recorded even in sessions that do not record connections. */
static __always_inline int check_address(struct bpf_sock_addr *context, enum network_operation operation, __u16 family,
										 struct destination *to)
{
	struct task_state *state = session_task_state(current_task());

	if (!state)
		return 1;
	to->denied = !permitted(state->session, context->protocol, to->address, to->port);
	if (!to->denied && !records_kind(state, RECORD_NETWORK))
		return 1;
	to->session = state->session;
	to->cookie = bpf_get_socket_cookie(context);
	if (operation == OPERATION_SEND && is_known(to))
		return !to->denied;
	pending_set_destination(pending_start(state, operation, family, context->protocol, context->sk), to);
	pending_submit_in_worker(state);
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
int proctor_conn4(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v4(&to, context);
	return check_address(context, OPERATION_CONNECT, AF_INET, &to);
}

SEC("cgroup/connect6")
int proctor_conn6(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v6(&to, context);
	return check_address(context, OPERATION_CONNECT, AF_INET6, &to);
}

SEC("cgroup/sendmsg4")
int proctor_send4(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v4(&to, context);
	return check_address(context, OPERATION_SEND, AF_INET, &to);
}

SEC("cgroup/sendmsg6")
int proctor_send6(struct bpf_sock_addr *context)
{
	struct destination to = {};

	read_v6(&to, context);
	return check_address(context, OPERATION_SEND, AF_INET6, &to);
}

static __always_inline bool has_address(const struct bpf_sock *context)
{
	return (context->type == SOCK_STREAM && is_stream(context->protocol)) ||
		   (context->type == SOCK_DGRAM && is_datagram(context->protocol));
}

/* Packets of raw sockets and of ping pass no hook: sessions with a policy cannot create such sockets. */
SEC("cgroup/sock_create")
int proctor_socket(struct bpf_sock *context)
{
	struct task_state *state = session_task_state(current_task());
	__u32 *policy;

	if (!state || has_address(context))
		return 1;
	policy = policy_of(state->session);
	if (policy && !*policy)
		return 1;
	pending_start(state, OPERATION_SOCKET, context->family, context->protocol, NULL)->denied = true;
	pending_submit_in_worker(state);
	return 0;
}
