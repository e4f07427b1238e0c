/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a session may connect to. */
#pragma once

#include "session.bpf.h"

#include <bpf/bpf_endian.h>

#define MAX_PREFIXES 262144

/* The number of each session's policy; 0 allows everything. A session is here from before its first task
 * to after its last, so that one that is not may do nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SESSIONS);
	__type(key, __u32);
	__type(value, __u32);
} proctor_policy __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_PREFIXES);
	__type(key, struct policy_key);
	__type(value, struct policy_ports);
} proctor_netrule __weak SEC(".maps");

static __always_inline __u32 *policy_of(__u32 session)
{
	return bpf_map_lookup_elem(&proctor_policy, &session);
}

static __always_inline bool is_stream(__u16 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}

static __always_inline bool is_datagram(__u16 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

static __always_inline bool is_within(const struct port_range *ranges, __u16 port)
{
	for (int i = 0; i < POLICY_RANGES; i++)
		if (ranges[i].first <= port && port <= ranges[i].last)
			return true;
	return false;
}

/* 0.0.0.0 and :: are this machine by an address that the kernel chooses afterwards. */
static __always_inline bool is_unspecified(const __u32 address[4])
{
	return !address[0] && !address[1] && !address[3] && (!address[2] || address[2] == bpf_htonl(0xffff));
}

/* address: of IPv6, or mapped into it. */
static __always_inline bool permitted(__u32 session, __u16 protocol, const __u32 address[4], __u16 port)
{
	struct policy_key key = {.prefix_length = 32 + 128};
	const struct policy_ports *ports;
	__u32 *policy = policy_of(session);

	if (!policy || !*policy)
		return policy;
	if (is_unspecified(address) || !(is_stream(protocol) || is_datagram(protocol)))
		return false;
	key.policy = *policy;
	__builtin_memcpy(key.address, address, sizeof(key.address));
	ports = bpf_map_lookup_elem(&proctor_netrule, &key);
	return ports && is_within(is_stream(protocol) ? ports->tcp : ports->udp, port);
}
