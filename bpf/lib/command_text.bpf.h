/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The texts of a command, composed one behind the other in a scratch buffer. */
#pragma once

#include "path.bpf.h"
#include "rules.bpf.h"

#define TEXTS_BYTES (16 * 1024) /* of all texts together */
#define ARGS_BYTES (8 * 1024) /* of arguments; more are written into the ring itself */
#define INTERPRETER_BYTES 256
#define TTY_BYTES 64
#define PIECE_BYTES 256
#define MAX_ENV_PIECES 4096
#define LEAST_ENV_PIECES 256

struct env_scan {
	__u64 next, last;
	__u32 start, end;
	bool inside, keep; /* is this the rest of a long variable, and is that one kept? */
	bool linker; /* was there one that makes the dynamic linker load something? */
};

struct command_scratch {
	struct command_record record;
	char texts[TEXTS_BYTES + ARGS_BYTES];
	struct env_scan env;
	__u32 end;
};

/* Two of each: the program of a successful exec may interrupt that of a failed one. */
enum { SCRATCH_EXECUTED, SCRATCH_FAILED, SCRATCHES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct command_scratch);
} proctor_cmdbuf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct path_text);
} proctor_cmdpath SEC(".maps");

struct writer {
	struct command_scratch *scratch;
	struct path_text *walk;
	__u32 end; /* of the texts written so far */
};

static __always_inline bool start_writing(struct writer *writer, struct task_state *state, __u32 which, long result)
{
	writer->scratch = bpf_map_lookup_elem(&proctor_cmdbuf, &which);
	writer->walk = bpf_map_lookup_elem(&proctor_cmdpath, &which);
	writer->end = 0;
	if (!writer->scratch || !writer->walk)
		return false;
	fill_header(&writer->scratch->record.header, state, RECORD_COMMAND, result);
	__builtin_memset(writer->scratch->record.sizes, 0, sizeof(writer->scratch->record.sizes));
	__builtin_memset(&writer->scratch->record.exe, 0, sizeof(writer->scratch->record.exe));
	writer->scratch->record.mount = 0;
	return true;
}

static __always_inline char *texts_end(struct writer *writer)
{
	return writer->scratch->texts + (writer->end & (TEXTS_BYTES - 1));
}

/* The end goes through memory, where the verifier does not follow it: to it all lengths are one case. */
static __always_inline void advance(struct writer *writer, enum command_text text, __u32 size)
{
	volatile __u32 *end = &writer->scratch->end;

	writer->scratch->record.sizes[text] = size;
	*end = writer->end + size;
	writer->end = *end;
}

static __always_inline __u32 text_limit(__u32 limit)
{
	return limit < knobs.text_limit ? limit : knobs.text_limit;
}

static __always_inline void write_string(struct writer *writer, enum command_text text, const char *string, __u32 limit)
{
	long size = bpf_probe_read_kernel_str(texts_end(writer), text_limit(limit), string);

	if (size == text_limit(limit))
		writer->scratch->record.header.flags |= CUT_PATH;
	advance(writer, text, size > 0 ? size - 1 : 0);
}

static __always_inline void write_resolved(struct writer *writer, enum command_text text, struct dentry *dentry,
										   struct vfsmount *mount, __u16 *flags)
{
	__u32 start = write_path(writer->walk, dentry, mount, flags);
	__u32 size = PATH_BYTES - 1 - start;

	if (size >= text_limit(PATH_BYTES)) {
		size = text_limit(PATH_BYTES) - 1;
		*flags |= CUT_PATH;
	}
	size &= PATH_BYTES - 1;
	bpf_probe_read_kernel(texts_end(writer), size, writer->walk->bytes + (start & (PATH_BYTES - 1)));
	advance(writer, text, size);
}

static __noinline bool is_configured(const char *text)
{
	struct rules *rules = current_rules();

	if (!rules || !text)
		return false;
	for (__u32 index = 0; index < PATTERNS; index++) {
		if (index >= rules->variable_count)
			return false;
		if (pattern_matches(&rules->variables[index], (const __u64 *)text))
			return true;
	}
	return false;
}

/* One piece of the environment; kept are the variables that the dynamic linker obeys, and those configured. */
static LOOP_CB long scan_env(__u32 index, struct command_scratch **context)
{
	struct command_scratch *scratch = *context;
	struct env_scan *scan = &scratch->env;
	char *text = scratch->texts + (scan->end & (TEXTS_BYTES - 1));
	long size;

	if (scan->next >= scan->last)
		return 1;
	if (scan->end - scan->start >= knobs.text_limit || scan->end >= TEXTS_BYTES - PIECE_BYTES)
		return 1;
	size = read_string(text, PIECE_BYTES, scan->next);
	if (size < 0)
		return 1;
	if (!scan->inside && text[0] == 'L' && text[1] == 'D' && text[2] == '_') {
		scan->keep = true;
		scan->linker |= text[3] == 'P' || text[3] == 'A';
	} else if (!scan->inside) {
		scan->keep = is_configured(text);
	}
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
	struct command_scratch *scratch = writer->scratch;
	struct env_scan *scan = &scratch->env;

	__builtin_memset(scan, 0, sizeof(*scan));
	scan->next = mm->env_start;
	scan->last = mm->env_end;
	scan->start = scan->end = writer->end;
	bpf_loop_compat(MAX_ENV_PIECES, LEAST_ENV_PIECES, scan_env, &scratch);
	if (scan->next < scan->last)
		scratch->record.header.flags |= CUT_ENV;
	advance(writer, TEXT_ENV, scan->end - scan->start);
}

static __always_inline void write_place(struct writer *writer, struct task_struct *task, const char *interpreter)
{
	struct tty_struct *tty = field_of(task, signal, tty);
	__u16 flags = 0;

	write_resolved(writer, TEXT_CWD, field_of(task, fs, pwd.dentry), field_of(task, fs, pwd.mnt), &flags);
	writer->scratch->record.header.flags |= flags & CUT_PATH;
	if (flags & DETACHED)
		writer->scratch->record.header.flags |= DETACHED_CWD;
	if (interpreter)
		write_string(writer, TEXT_INTERPRETER, interpreter, INTERPRETER_BYTES);
	if (tty)
		write_string(writer, TEXT_TTY, tty->name, TTY_BYTES);
}
