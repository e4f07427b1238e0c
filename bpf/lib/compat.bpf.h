/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What older kernels lack. The object is built once for each generation of kernels from the same sources, because
 * a kernel rejects an unknown instruction even in code that is never reached:
 *
 *   WITHOUT_CASTS         no bpf_rdonly_cast (6.2, kernel commit a35b9af4ec2c)
 *   WITHOUT_LOOP          no bpf_loop (5.17, e6f2dd0f8067) and no bpf_find_vma (5.17, 7c7e3d31e785)
 *   WITHOUT_TASK_STORAGE  neither task storage (5.11, 4cf1bc1f1045) nor typed pointers to the current task; hooks
 *                         of cgroups have them since 6.16 */
#pragma once

#include "constants.h"
#include "vmlinux_min.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Call step(index, context) until it returns non-zero. A loop that the verifier walks through itself has
 * to be shorter; the caller must notice that the end was not reached. */
#ifdef WITHOUT_LOOP
#define LOOP_CB __noinline
#define bpf_loop_compat(most, fewest, step, context)        \
	do {                                                    \
		for (__u32 index_ = 0; index_ < (fewest); index_++) \
			if (step(index_, context))                      \
				break;                                      \
	} while (0)
#else
#define LOOP_CB
#define bpf_loop_compat(most, fewest, step, context) bpf_loop(most, step, context, 0)
#endif

#ifdef WITHOUT_TASK_STORAGE
#define current_task() ((struct task_struct *)bpf_get_current_task())
#else
#define current_task() bpf_get_current_task_btf()
#endif

/* A field of a kernel structure: field_of(task, fs, pwd.dentry) is task->fs->pwd.dentry, and zero where
 * a pointer on the way leads nowhere. A cast is no instruction, and what is behind it is read without a call. */
#ifdef WITHOUT_CASTS
#define field_of(...) BPF_CORE_READ(__VA_ARGS__)
#else
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;
#define field_of(object, ...) ___arrow(of_kernel(object), __VA_ARGS__)
#define of_kernel(object) ((typeof(object))bpf_rdonly_cast(object, bpf_core_type_id_kernel(typeof(*(object)))))
#endif

#define element_of(pointers, index) ((typeof(*(pointers)))field_of((struct llist_head *)((pointers) + (index)), first))

/* A subprogram: called from other files, and verified once instead of at every call. */
#define __subprog __hidden __noinline

/* The first bytes of a string as a number, for comparisons without a call. */
#define WORD(string)                                                               \
	({                                                                             \
		__u64 word_ = 0;                                                           \
		_Static_assert(sizeof(string) - 1 <= sizeof(word_), "longer than a word"); \
		__builtin_memcpy(&word_, string, sizeof(string) - 1);                      \
		word_;                                                                     \
	})

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
