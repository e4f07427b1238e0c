/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and ports, from a socket or from what a caller passes. */
#pragma once

#include "syscall.bpf.h"

#include <bpf/bpf_endian.h>

static __always_inline struct sock *socket_of_file(struct file *file)
{
	struct socket *socket;

	if (!file || (field_of(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = field_of(file, private_data);
	return field_of(socket, sk);
}

static __always_inline struct sock *socket_of(int descriptor)
{
	return socket_of_file(file_of(descriptor));
}

static __always_inline bool is_inet(const struct endpoints *endpoints)
{
	return endpoints->family == AF_INET || endpoints->family == AF_INET6;
}

static __always_inline void read_address(__u8 address[16], struct sock *sk, bool remote)
{
	if (field_of(sk, __sk_common.skc_family) == AF_INET6) {
		struct in6_addr *v6 = (struct in6_addr *)address;

		if (remote)
			BPF_CORE_READ_INTO(v6, sk, __sk_common.skc_v6_daddr);
		else
			BPF_CORE_READ_INTO(v6, sk, __sk_common.skc_v6_rcv_saddr);
	} else {
		__u32 *v4 = (__u32 *)address;

		if (remote)
			BPF_CORE_READ_INTO(v4, sk, __sk_common.skc_daddr);
		else
			BPF_CORE_READ_INTO(v4, sk, __sk_common.skc_rcv_saddr);
	}
}

/* What is not known yet of the near end. A socket whose connection failed has forgotten its address, but
 * not its port. */
static __always_inline void read_source(struct endpoints *endpoints, struct sock *sk)
{
	__u64 *source = (__u64 *)endpoints->source;

	if (!endpoints->source_port)
		endpoints->source_port = bpf_ntohs(field_of((struct inet_sock *)sk, inet_sport));
	if (!source[0] && !source[1])
		read_address(endpoints->source, sk, false);
}

/* No hook has seen it (detached, or a protocol without hooks): take what the caller passed. False when that is
 * no address of a network. */
static __always_inline bool given_address(struct endpoints *ends, struct sock *sk, const struct syscall *call)
{
	struct {
		__u16 family, port;
		__u32 v4;
		__u8 v6[16];
	} address = {};

	bpf_probe_read_user(&address, call->args[2] < sizeof(address) ? 16 : sizeof(address), (void *)call->args[1]);
	ends->family = address.family;
	if (!is_inet(ends))
		return false;
	ends->operation = OPERATION_CONNECT;
	ends->protocol = field_of(sk, sk_protocol);
	ends->destination_port = bpf_ntohs(address.port);
	if (ends->family == AF_INET6)
		__builtin_memcpy(ends->destination, address.v6, sizeof(ends->destination));
	else
		__builtin_memcpy(ends->destination, &address.v4, sizeof(address.v4));
	return true;
}
