/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Executed programs. Arguments come from the new address space, whole; what does not fit the ring is cut
 * and said to be cut. */
#include "dispatch.bpf.h"

#include "lib/command_text.bpf.h"
#include "lib/command_ring.bpf.h"
#include "lib/file_identity.bpf.h"
#include "lib/syscall.bpf.h"

#include <bpf/bpf_tracing.h>

#define MAX_FAILED_ARGS 256
#define LEAST_FAILED_ARGS 32
#define MIB (1024 * 1024)
#define AT_BASE 7 /* of the auxiliary vector */
#define AUXV_PAIRS 20

/* Arguments that fit the scratch, or as much of them as may be sent. */
static __always_inline bool send_small(struct writer *writer, __u64 args)
{
	struct command_record *record = &writer->scratch->record;
	__u32 head = sizeof(*record) + (writer->end & (TEXTS_BYTES - 1)), size = ARGS_BYTES - 1;

	if (size > record->args_total)
		size = record->args_total;
	if (size > knobs.command_limit - head)
		size = knobs.command_limit - head;
	size &= ARGS_BYTES - 1;
	if (size < record->args_total)
		record->header.flags |= CUT_ARGS;
	record->args = size;
	if (args && bpf_probe_read_user(texts_end(writer), size, (void *)args))
		record->header.flags |= UNREADABLE;
	return !bpf_ringbuf_output(&proctor_command, record, head + size,
							   wake_for(&proctor_command, head + size, knobs.command_mark));
}

/* Long arguments go from the program's memory straight into a record of a fixed size. */
static __always_inline bool send_large(struct writer *writer, __u64 args, const __u32 bytes)
{
	__u32 head = sizeof(struct command_record) + (writer->end & (TEXTS_BYTES - 1));
	__u32 size = bytes - sizeof(struct command_record) - TEXTS_BYTES;
	struct command_record *record;

	if (bytes > knobs.command_limit)
		return false;
	record = bpf_ringbuf_reserve(&proctor_command, bytes, 0);
	if (!record)
		return false;
	bpf_probe_read_kernel(record, head, writer->scratch);
	if (size > record->args_total)
		size = record->args_total;
	else if (size < record->args_total)
		record->header.flags |= CUT_ARGS;
	record->args = size;
	if (bpf_probe_read_user((void *)record + head, size, (void *)args))
		record->header.flags |= UNREADABLE;
	bpf_ringbuf_submit(record, wake_after(&proctor_command, bytes, knobs.command_mark));
	return true;
}

static __always_inline bool send(struct writer *writer, __u64 args)
{
	__u64 needed = sizeof(struct command_record) + TEXTS_BYTES + writer->scratch->record.args_total;

	if (writer->scratch->record.args_total < ARGS_BYTES)
		return send_small(writer, args);
	return (needed > MIB / 4 && send_large(writer, args, MIB)) ||
		   (needed > MIB / 16 && send_large(writer, args, MIB / 4)) || send_large(writer, args, MIB / 16) ||
		   send_small(writer, args);
}

/* Does the program run with more rights than the task that executes it? */
static __always_inline bool is_privileged(struct linux_binprm *bprm)
{
	return BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec);
}

#ifdef WITHOUT_LOOP /* bpf_find_vma came with the same kernel */
static __always_inline void write_loader(struct writer *writer, struct task_struct *task, struct mm_struct *mm)
{
}
#else
static long take_file(struct task_struct *task, struct vm_area_struct *area, struct file **file)
{
	*file = field_of(area, vm_file);
	return 0;
}

static __always_inline __u64 loader_address(struct mm_struct *mm)
{
	const void *vector = (void *)mm + bpf_core_field_offset(struct mm_struct, saved_auxv);
	__u64 pair[2]; /* what it is, and its value */

	for (int i = 0; i < AUXV_PAIRS; i++)
		if (!bpf_probe_read_kernel(pair, sizeof(pair), vector + i * sizeof(pair)) && pair[0] == AT_BASE)
			return pair[1];
	return 0;
}

/* The interpreter that the ELF file has asked for, by what is mapped where the kernel has put it. */
static __always_inline void write_loader(struct writer *writer, struct task_struct *task, struct mm_struct *mm)
{
	__u64 address = loader_address(mm);
	struct file *file = NULL;
	__u16 flags = 0;

	if (!address || bpf_find_vma(task, address, take_file, &file, 0) || !file)
		return;
	if (writer->end >= TEXTS_BYTES - PATH_BYTES) { /* only behind texts as long as can be */
		writer->scratch->record.header.flags |= CUT_PATH;
		return;
	}
	write_resolved(writer, TEXT_LOADER, field_of(file, f_path.dentry), field_of(file, f_path.mnt), &flags);
	writer->scratch->record.header.flags |= flags & CUT_PATH;
}
#endif

SEC("tp_btf/sched_process_exec")
int BPF_PROG(proctor_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct mm_struct *mm = task->mm;
	struct task_state *state;
	struct writer writer;
	struct file *exe;

	task_state_change_pid(task, old_pid);
	state = task_state_lookup(task);
	if (!state || !state->session)
		state = on_exec_outside_session(task, state, bprm);
	if (!state)
		return 0;
	session_member_add(task, state);
	if (!records_kind(state, RECORD_COMMAND))
		return 0;
	count_started(state->session, RECORD_COMMAND);
	if (!start_writing(&writer, state, SCRATCH_EXECUTED, 0))
		return 0;
	exe = mm->exe_file;
	write_string(&writer, TEXT_PATH, bprm->filename, PATH_BYTES);
	write_resolved(&writer, TEXT_EXE, exe->f_path.dentry, exe->f_path.mnt, &writer.scratch->record.header.flags);
	write_place(&writer, task, bprm->interp == bprm->filename ? NULL : bprm->interp);
	write_env(&writer, mm);
	write_loader(&writer, task, mm);
	if (writer.scratch->env.linker && records_kind(state, RECORD_TAMPER) && is_privileged(bprm))
		on_preload(state);
	fill_file_identity(&writer.scratch->record.exe, exe->f_inode);
	writer.scratch->record.mount = mount_number(exe);
	writer.scratch->record.args_total = mm->arg_end - mm->arg_start;
	count(state->session, RECORD_COMMAND, send(&writer, mm->arg_start));
	return 0;
}

struct args_scan {
	struct command_scratch *scratch;
	__u64 pointers;
	__u32 texts, size;
	bool compat, whole;
};

/* One argument of an exec that failed: the strings are still where the caller has put them. */
static long scan_argument(__u32 index, struct args_scan *scan)
{
	char *text = scan->scratch->texts + (scan->texts & (TEXTS_BYTES - 1)) + (scan->size & (ARGS_BYTES / 2 - 1));
	__u64 argument = 0;
	long size;

	bpf_probe_read_user(&argument, scan->compat ? 4 : 8, (void *)scan->pointers);
	scan->pointers += scan->compat ? 4 : 8;
	if (!argument) {
		scan->whole = true;
		return 1;
	}
	size = read_string(text, text_limit(ARGS_BYTES / 2), argument);
	if (size < 0)
		return 1;
	scan->size += size;
	return size == text_limit(ARGS_BYTES / 2) || scan->size >= ARGS_BYTES / 2;
}

/* A name of size bytes that was given with a directory, or none with the file itself. */
static __always_inline void write_below(struct writer *writer, const struct syscall *call, __u32 size)
{
	struct file *directory = file_of(call->args[0]);
	__u16 flags = 0;
	__u32 length;

	if (!directory) {
		advance(writer, TEXT_PATH, size);
		return;
	}
	write_resolved(writer, TEXT_PATH, field_of(directory, f_path.dentry), field_of(directory, f_path.mnt), &flags);
	writer->scratch->record.header.flags |= flags;
	if (!size)
		return;
	length = writer->scratch->record.sizes[TEXT_PATH];
	*texts_end(writer) = '/';
	advance(writer, TEXT_PATH, 1);
	bpf_probe_read_user_str(texts_end(writer), text_limit(PATH_BYTES), (void *)call->args[1]);
	advance(writer, TEXT_PATH, length + 1 + size);
	writer->end -= length + 1;
}

__subprog void on_exec_failed(struct task_state *state, struct syscall *call)
{
	bool at_directory = call->operation == EXECAT;
	struct args_scan scan = {.pointers = call->args[at_directory + 1], .compat = call->compat};
	struct writer writer;
	long size;

	if (!start_writing(&writer, state, SCRATCH_FAILED, call->result))
		return;
	size = bpf_probe_read_user_str(texts_end(&writer), text_limit(PATH_BYTES), (void *)call->args[at_directory]);
	if (size < 0)
		writer.scratch->record.header.flags |= UNREADABLE;
	if (at_directory && *texts_end(&writer) != '/' && (__s32)call->args[0] >= 0)
		write_below(&writer, call, size > 0 ? size - 1 : 0);
	else
		advance(&writer, TEXT_PATH, size > 0 ? size - 1 : 0);
	write_place(&writer, current_task(), NULL);
	scan.scratch = writer.scratch;
	scan.texts = writer.end;
	bpf_loop_compat(MAX_FAILED_ARGS, LEAST_FAILED_ARGS, scan_argument, &scan);
	if (!scan.whole)
		writer.scratch->record.header.flags |= CUT_ARGS;
	writer.scratch->record.args_total = scan.size & (ARGS_BYTES - 1);
	count(state->session, RECORD_COMMAND, send_small(&writer, 0));
}
