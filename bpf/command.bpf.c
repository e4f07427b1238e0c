/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Executed programs. Arguments come from the new address space, whole; what does not fit the ring is cut
 * and said to be cut. */
#include "lib/path.bpf.h"
#include "lib/syscall.bpf.h"

#include <bpf/bpf_tracing.h>

#define TEXTS_BYTES (16 * 1024) /* room of all texts together */
#define ARGS_BYTES (8 * 1024)	/* room of arguments; more are written into the ring itself */
#define INTERPRETER_BYTES 256
#define TTY_BYTES 64
#define PIECE_BYTES 256
#define MAX_ENV_PIECES 4096
#define MAX_FAILED_ARGS 256
#define MIB (1024 * 1024)

struct command_scratch {
	struct command_record record;
	char texts[TEXTS_BYTES + ARGS_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 4096);
} commands SEC(".maps");

/* Two of each: the program of a successful exec may interrupt that of a failed one. */
enum { SCRATCH_EXECUTED, SCRATCH_FAILED, SCRATCHES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct command_scratch);
} command_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct path_text);
} command_walk SEC(".maps");

struct writer {
	struct command_scratch *scratch;
	struct path_text *walk;
	__u32 end; /* of the texts written so far */
};

static __always_inline bool start_writing(struct writer *writer, struct task_state *state, __u32 which,
										  long result)
{
	writer->scratch = bpf_map_lookup_elem(&command_scratch, &which);
	writer->walk = bpf_map_lookup_elem(&command_walk, &which);
	writer->end = 0;
	if (!writer->scratch || !writer->walk)
		return false;
	fill_header(&writer->scratch->record.header, state, RECORD_COMMAND, result);
	__builtin_memset(writer->scratch->record.sizes, 0, sizeof(writer->scratch->record.sizes));
	return true;
}

static __always_inline char *room(struct writer *writer)
{
	return writer->scratch->texts + (writer->end & (TEXTS_BYTES - 1));
}

static __always_inline void advance(struct writer *writer, enum command_text text, __u32 size)
{
	writer->scratch->record.sizes[text] = size;
	writer->end += size;
}

static __always_inline __u32 text_limit(__u32 limit)
{
	return limit < knobs.text_limit ? limit : knobs.text_limit;
}

static __always_inline void write_string(struct writer *writer, enum command_text text, const char *string,
										 __u32 limit)
{
	long size = bpf_probe_read_kernel_str(room(writer), text_limit(limit), string);

	if (size == text_limit(limit))
		writer->scratch->record.header.flags |= CUT_PATH;
	advance(writer, text, size > 0 ? size - 1 : 0);
}

static __always_inline void write_resolved(struct writer *writer, enum command_text text,
										   struct dentry *dentry, struct vfsmount *mount, __u16 *flags)
{
	__u32 start = write_path(writer->walk, dentry, mount, flags);
	__u32 size = PATH_BYTES - 1 - start;

	if (size >= text_limit(PATH_BYTES)) {
		size = text_limit(PATH_BYTES) - 1;
		*flags |= CUT_PATH;
	}
	size &= PATH_BYTES - 1;
	bpf_probe_read_kernel(room(writer), size, writer->walk->bytes + (start & (PATH_BYTES - 1)));
	advance(writer, text, size);
}

struct env_scan {
	struct command_scratch *scratch;
	__u64 next, last;
	__u32 start, end;
	bool inside, keep; /* is this the rest of a long variable, and is that one kept? */
};

/* One piece of the environment; kept are the variables that the dynamic linker obeys. */
static long scan_env(__u32 index, struct env_scan *scan)
{
	char *text = scan->scratch->texts + (scan->end & (TEXTS_BYTES - 1));
	long size;

	if (scan->next >= scan->last)
		return 1;
	if (scan->end - scan->start >= knobs.text_limit || scan->end >= TEXTS_BYTES - PIECE_BYTES)
		return 1;
	size = bpf_probe_read_user_str(text, PIECE_BYTES, (void *)scan->next);
	if (size <= 0)
		return 1;
	if (!scan->inside)
		scan->keep = text[0] == 'L' && text[1] == 'D' && text[2] == '_';
	scan->inside = size == PIECE_BYTES;
	if (scan->inside)
		size--;
	scan->next += size;
	if (scan->keep)
		scan->end += size;
	return 0;
}

static __always_inline void write_env(struct writer *writer, struct mm_struct *mm)
{
	struct env_scan scan = {
		.scratch = writer->scratch,
		.next = mm->env_start,
		.last = mm->env_end,
		.start = writer->end,
		.end = writer->end,
	};

	bpf_loop(MAX_ENV_PIECES, scan_env, &scan, 0);
	if (scan.next < scan.last)
		writer->scratch->record.header.flags |= CUT_ENV;
	advance(writer, TEXT_ENV, scan.end - scan.start);
}

static __always_inline void write_place(struct writer *writer, struct task_struct *task, const char *interpreter)
{
	struct tty_struct *tty = task->signal->tty;
	__u16 flags = 0;

	write_resolved(writer, TEXT_CWD, task->fs->pwd.dentry, task->fs->pwd.mnt, &flags);
	writer->scratch->record.header.flags |= flags & CUT_PATH;
	if (interpreter)
		write_string(writer, TEXT_INTERPRETER, interpreter, INTERPRETER_BYTES);
	if (tty)
		write_string(writer, TEXT_TTY, tty->name, TTY_BYTES);
}

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
	if (args && bpf_probe_read_user(room(writer), size, (void *)args))
		record->header.flags |= UNREADABLE;
	return !bpf_ringbuf_output(&commands, record, head + size, wake(&commands, knobs.command_mark));
}

/* Long arguments go from the program's memory straight into a record of a fixed size. */
static __always_inline bool send_large(struct writer *writer, __u64 args, const __u32 bytes)
{
	__u32 head = sizeof(struct command_record) + (writer->end & (TEXTS_BYTES - 1));
	__u32 size = bytes - sizeof(struct command_record) - TEXTS_BYTES;
	struct command_record *record;

	if (bytes > knobs.command_limit)
		return false;
	record = bpf_ringbuf_reserve(&commands, bytes, 0);
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
	bpf_ringbuf_submit(record, wake(&commands, knobs.command_mark));
	return true;
}

static __always_inline bool send(struct writer *writer, __u64 args)
{
	__u64 needed = sizeof(struct command_record) + TEXTS_BYTES + writer->scratch->record.args_total;

	if (writer->scratch->record.args_total < ARGS_BYTES)
		return send_small(writer, args);
	return (needed > MIB / 4 && send_large(writer, args, MIB)) ||
		   (needed > MIB / 16 && send_large(writer, args, MIB / 4)) ||
		   send_large(writer, args, MIB / 16) || send_small(writer, args);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(program_executed, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct task_state *state = state_of(task);
	struct mm_struct *mm = task->mm;
	struct writer writer;
	struct file *exe;

	if (!state || !wants(state, RECORD_COMMAND) || !start_writing(&writer, state, SCRATCH_EXECUTED, 0))
		return 0;
	exe = mm->exe_file;
	write_string(&writer, TEXT_PATH, bprm->filename, PATH_BYTES);
	write_resolved(&writer, TEXT_EXE, exe->f_path.dentry, exe->f_path.mnt, &writer.scratch->record.header.flags);
	write_place(&writer, task, bprm->interp == bprm->filename ? NULL : bprm->interp);
	write_env(&writer, mm);
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
	size = bpf_probe_read_user_str(text, text_limit(ARGS_BYTES / 2), (void *)argument);
	if (size <= 0 || size == text_limit(ARGS_BYTES / 2))
		return 1;
	scan->size += size;
	return scan->size >= ARGS_BYTES / 2;
}

__hidden void exec_failed(struct task_state *state, struct syscall *call)
{
	bool at_directory = call->operation == EXECAT;
	struct args_scan scan = {.pointers = call->args[at_directory + 1], .compat = call->compat};
	struct writer writer;
	long size;

	if (!start_writing(&writer, state, SCRATCH_FAILED, call->result))
		return;
	size = bpf_probe_read_user_str(room(&writer), text_limit(PATH_BYTES), (void *)call->args[at_directory]);
	if (size < 0)
		writer.scratch->record.header.flags |= UNREADABLE;
	advance(&writer, TEXT_PATH, size > 0 ? size - 1 : 0);
	write_place(&writer, bpf_get_current_task_btf(), NULL);
	scan.scratch = writer.scratch;
	scan.texts = writer.end;
	bpf_loop(MAX_FAILED_ARGS, scan_argument, &scan, 0);
	if (!scan.whole)
		writer.scratch->record.header.flags |= CUT_ARGS;
	writer.scratch->record.args_total = scan.size & (ARGS_BYTES - 1);
	count(state->session, RECORD_COMMAND, send_small(&writer, 0));
}
