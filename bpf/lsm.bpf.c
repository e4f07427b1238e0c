/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Second enforcement of the network policy, by LSM hooks where the kernel enables them for BPF: they run before the
 * hooks of cgroups, for all protocols and sockets. They only ever refuse. */
#include "lib/pending_connect.bpf.h"

#include <bpf/bpf_tracing.h>

#define MSG_FASTOPEN 0x20000000

struct address {
	__u16 family, port;
	__u32 v4;
	__u32 v6[4];
};

/* Families that stay on this machine; AF_UNSPEC only dissolves an association. */
static __always_inline bool is_local(__u16 family)
{
	return family == AF_UNSPEC || family == AF_UNIX || family == AF_NETLINK;
}

static __always_inline void read_destination(struct destination *to, const struct address *address)
{
	to->port = bpf_ntohs(address->port);
	if (address->family == AF_INET) {
		to->address[2] = bpf_htonl(0xffff);
		to->address[3] = address->v4;
	} else if (address->family == AF_INET6) {
		__builtin_memcpy(to->address, address->v6, sizeof(to->address));
	}
}

static __always_inline bool is_inet_family(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

static __always_inline int check_socket(struct socket *socket, const void *name, int length,
										enum network_operation operation)
{
	struct task_state *state = session_task_state(current_task());
	struct sock *sk = field_of(socket, sk);
	struct destination to = {.denied = true};
	struct address address = {};
	__u16 protocol;
	__u32 *policy;

	if (!state || !name)
		return 0;
	policy = policy_of(state->session);
	if (policy && !*policy)
		return 0;
	bpf_probe_read_kernel(&address, length < (int)sizeof(address) ? 16 : sizeof(address), name);
	protocol = field_of(sk, sk_protocol);
	read_destination(&to, &address);
	if (is_local(address.family) ||
		(is_inet_family(address.family) && permitted(state->session, protocol, to.address, to.port)))
		return 0;
	to.session = state->session;
	to.cookie = (__u64)sk;
	if (operation == OPERATION_SEND && is_known(&to))
		return -EPERM;
	pending_set_destination(pending_start(state, operation, address.family, protocol, sk), &to);
	pending_submit_in_worker(state);
	return -EPERM;
}

SEC("lsm/socket_connect")
int BPF_PROG(proctor_lsmconn, struct socket *socket, void *address, int length)
{
	return check_socket(socket, address, length, OPERATION_CONNECT);
}

/* A stream goes where it is connected to, whatever is named, unless it is to be connected with what is sent. */
SEC("lsm/socket_sendmsg")
int BPF_PROG(proctor_lsmsend, struct socket *socket, struct msghdr *message, int size)
{
	bool stream = is_stream(field_of(socket, sk, sk_protocol));

	if (stream && !(field_of(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	return check_socket(socket, field_of(message, msg_name), field_of(message, msg_namelen),
						stream ? OPERATION_CONNECT : OPERATION_SEND);
}
