/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records of tampering, composed in a scratch buffer like other records with a text. */
#pragma once

#include "command_ring.bpf.h"
#include "path.bpf.h"

#define MAX_GUARDED 4096

/* Processes and cgroups of Proctor itself. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_GUARDED);
	__type(key, struct guarded);
	__type(value, __u8);
} proctor_guarded __weak SEC(".maps");

static __always_inline bool is_protected(enum guard guard, __u64 number)
{
	struct guarded key = {.guard = guard, .number = number};

	return bpf_map_lookup_elem(&proctor_guarded, &key);
}

struct tamper_scratch {
	struct tamper_record record;
	char text[PATH_BYTES];
	struct path_text walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tamper_scratch);
} proctor_tampbuf __weak SEC(".maps");

static __always_inline struct tamper_scratch *start_tamper(const struct task_state *state, enum technique technique,
														   long result)
{
	__u32 zero = 0;
	struct tamper_scratch *scratch = bpf_map_lookup_elem(&proctor_tampbuf, &zero);

	if (!scratch)
		return NULL;
	fill_header(&scratch->record.header, state, RECORD_TAMPER, result < 0 ? result : 0);
	scratch->record.technique = technique;
	scratch->record.argument = 0;
	scratch->record.target = 0;
	scratch->record.size = 0;
	return scratch;
}

/* The text that was written before the end of the walk. */
static __always_inline void tamper_set_path(struct tamper_scratch *scratch, __u32 start)
{
	__u32 size = (PATH_BYTES - 1 - start) & (PATH_BYTES - 1);

	bpf_probe_read_kernel(scratch->text, size, scratch->walk.bytes + (start & (PATH_BYTES - 1)));
	scratch->record.size = size;
}

static __always_inline void send_tamper(struct tamper_scratch *scratch)
{
	__u32 size = scratch->record.size, length;

	if (size >= knobs.text_limit) {
		size = knobs.text_limit - 1;
		scratch->record.header.flags |= CUT_PATH;
	}
	size &= PATH_BYTES - 1;
	scratch->record.size = size;
	length = sizeof(scratch->record) + size;
	count(
		scratch->record.header.session, RECORD_TAMPER,
		!bpf_ringbuf_output(&proctor_command, scratch, length, wake_for(&proctor_command, length, knobs.command_mark)));
}
