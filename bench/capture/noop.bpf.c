/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What it costs to have the end of system calls traced at all: a program that does nothing. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sys_exit")
int nothing(void *context)
{
	return 0;
}
