/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What older kernels do not have. The object is built once for each of them from the same sources, since
 * a kernel refuses an instruction that it does not know even where it is never reached:
 *
 *   WITHOUT_CASTS         no bpf_rdonly_cast (before 6.2)
 *   WITHOUT_LOOP          no bpf_loop (before 5.17)
 *   WITHOUT_TASK_STORAGE  neither task storage nor typed pointers to the current task (before 5.11; in hooks
 *                         of cgroups before 6.16) */
#pragma once

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Call step(index, context) until it returns non-zero. A loop that the verifier walks through itself has
 * to be shorter; who calls must notice that the end was not reached. */
#ifdef WITHOUT_LOOP
#define STEP __noinline
#define repeat(most, fewest, step, context) \
	do { \
		for (__u32 index_ = 0; index_ < (fewest); index_++) \
			if (step(index_, context)) \
				break; \
	} while (0)
#else
#define STEP
#define repeat(most, fewest, step, context) bpf_loop(most, step, context, 0)
#endif

#ifdef WITHOUT_TASK_STORAGE
#define current_task() ((struct task_struct *)bpf_get_current_task())
#else
#define current_task() bpf_get_current_task_btf()
#endif

/* What a structure of the kernel's says: field_of(task, fs, pwd.dentry) is task->fs->pwd.dentry, and zero where
 * a pointer on the way leads nowhere. A cast is no instruction, and what is behind it is read without a call. */
#ifdef WITHOUT_CASTS
#define field_of(...) BPF_CORE_READ(__VA_ARGS__)
#else
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;
#define field_of(object, ...) ___arrow(of_kernel(object), __VA_ARGS__)
#define of_kernel(object) ((typeof(object))bpf_rdonly_cast(object, bpf_core_type_id_kernel(typeof(*(object)))))
#endif

#define element_of(pointers, index) ((typeof(*(pointers)))field_of((struct llist_head *)((pointers) + (index)), first))

/* What files of other concerns call: a function for the verifier as well, or it would walk through it at every call. */
#define SHARED __hidden __noinline

/* A string of the process, cut to size; how long it is with its end, which of an empty string older
 * kernels do not count. */
static __always_inline long read_string(char *text, __u32 size, __u64 from)
{
	long length = bpf_probe_read_user_str(text, size, (void *)from);

	if (length)
		return length;
	*text = 0;
	return 1;
}
