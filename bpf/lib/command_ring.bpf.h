/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ring of commands, and of what is rare: tampering. */
#pragma once

#include "session.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 4096);
} proctor_command __weak SEC(".maps");
