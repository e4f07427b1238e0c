/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the configuration asks for; until user space has said so, nothing beyond what is always done. */
#pragma once

#include "session.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rules);
} proctor_rules __weak SEC(".maps");

static __always_inline struct rules *current_rules(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&proctor_rules, &zero);
}

static __always_inline bool pattern_matches(const struct pattern *pattern, const __u64 *text)
{
	return !(((text[0] ^ pattern->text[0]) & pattern->mask[0]) | ((text[1] ^ pattern->text[1]) & pattern->mask[1]) |
			 ((text[2] ^ pattern->text[2]) & pattern->mask[2]) | ((text[3] ^ pattern->text[3]) & pattern->mask[3]));
}
