/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts to blind or mislead the record, and escapes from a session's cgroup. */
#define _GNU_SOURCE
#include "line.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define DETAIL_BYTES 64

static const char *const techniques[] = {
	[TECHNIQUE_BPF] = "bpf",
	[TECHNIQUE_PTRACE] = "ptrace",
	[TECHNIQUE_VM_WRITE] = "vm_write",
	[TECHNIQUE_VM_READ] = "vm_read",
	[TECHNIQUE_PIDFD_GETFD] = "pidfd_getfd",
	[TECHNIQUE_PROC_MEM] = "proc_mem",
	[TECHNIQUE_SIGNAL] = "signal",
	[TECHNIQUE_CGROUP] = "cgroup",
	[TECHNIQUE_MODULE] = "module",
	[TECHNIQUE_KEXEC] = "kexec",
	[TECHNIQUE_PRELOAD] = "preload",
	[TECHNIQUE_PERF] = "perf",
	[TECHNIQUE_IO_URING] = "io_uring",
	[TECHNIQUE_MOUNT] = "mount",
	[TECHNIQUE_KERNEL_MEMORY] = "kernel_memory",
	[TECHNIQUE_CLOCK] = "clock",
};

static const char *const bpf_commands[] = {
	"MAP_CREATE", "MAP_LOOKUP_ELEM", "MAP_UPDATE_ELEM", "MAP_DELETE_ELEM", "MAP_GET_NEXT_KEY", "PROG_LOAD",
	"OBJ_PIN", "OBJ_GET", "PROG_ATTACH", "PROG_DETACH", "PROG_TEST_RUN", "PROG_GET_NEXT_ID",
	"MAP_GET_NEXT_ID", "PROG_GET_FD_BY_ID", "MAP_GET_FD_BY_ID", "OBJ_GET_INFO_BY_FD", "PROG_QUERY",
	"RAW_TRACEPOINT_OPEN", "BTF_LOAD", "BTF_GET_FD_BY_ID", "TASK_FD_QUERY", "MAP_LOOKUP_AND_DELETE_ELEM",
	"MAP_FREEZE", "BTF_GET_NEXT_ID", "MAP_LOOKUP_BATCH", "MAP_LOOKUP_AND_DELETE_BATCH", "MAP_UPDATE_BATCH",
	"MAP_DELETE_BATCH", "LINK_CREATE", "LINK_UPDATE", "LINK_GET_FD_BY_ID", "LINK_GET_NEXT_ID",
	"ENABLE_STATS", "ITER_CREATE", "LINK_DETACH", "PROG_BIND_MAP", "TOKEN_CREATE",
};

static size_t spell_bpf(char *out, uint64_t command)
{
	if (command < COUNT(bpf_commands))
		return sprintf(out, "BPF_%s", bpf_commands[command]);
	return sprintf(out, "command %llu", (unsigned long long)command);
}

static size_t spell_ptrace(char *out, uint64_t request)
{
	if (request == 16)
		return sprintf(out, "PTRACE_ATTACH");
	if (request == 0x4206)
		return sprintf(out, "PTRACE_SEIZE");
	return sprintf(out, "request %llu", (unsigned long long)request);
}

static size_t spell_signal(char *out, uint64_t number)
{
	const char *name = number < NSIG ? sigabbrev_np((int)number) : NULL;

	if (name)
		return sprintf(out, "SIG%s", name);
	return sprintf(out, "signal %llu", (unsigned long long)number);
}

static size_t spell_detail(char *out, const struct tamper_record *record)
{
	switch (record->technique) {
	case TECHNIQUE_BPF:
		return spell_bpf(out, record->argument);
	case TECHNIQUE_PTRACE:
		return spell_ptrace(out, record->argument);
	case TECHNIQUE_SIGNAL:
		return spell_signal(out, record->argument);
	default:
		return 0;
	}
}

static void add_escape(struct event *event, const struct tamper_record *record, const char *cgroup)
{
	add_audit_session(event);
	add_count(event->out, "\"by_pid\":", record->target);
	add_named(event->out, ",\"cgroup\":", cgroup, record->size);
	text_literal(event->out, ",");
	add_code(event, "TP4904W");
	add_detached(event);
	text_literal(event->out, SLOT);
	add_event(event, "session.escape");
	text_literal(event->out, SLOT);
	add_process(event);
	add_server(event);
	add_time(event);
	add_truncated(event);
	add_uid(event);
	add_end(event);
}

static void add_attempt(struct event *event, const struct tamper_record *record, const char *target)
{
	const char *technique = techniques[record->technique];
	char detail[DETAIL_BYTES];

	add_audit_session(event);
	add_code(event, "TP4903W");
	add_detached(event);
	add_given(event->out, ",\"detail\":", detail, spell_detail(detail, record));
	text_literal(event->out, SLOT);
	add_event(event, "session.tamper");
	text_literal(event->out, SLOT);
	add_process(event);
	add_result(event);
	add_server(event);
	add_given(event->out, ",\"target\":", target, record->size);
	if (record->target)
		add_count(event->out, ",\"target_pid\":", record->target);
	add_named(event->out, ",\"technique\":", technique, strlen(technique));
	add_time(event);
	add_truncated(event);
	add_uid(event);
	add_end(event);
}

const char *add_tamper(struct event *event)
{
	struct tamper_record record;
	const char *text = event->record + sizeof(record);

	if (event->size < sizeof(record))
		return "torn record of tampering";
	memcpy(&record, event->record, sizeof(record));
	if (record.size > event->size - sizeof(record))
		return "text of tampering beyond its end";
	if (record.technique == TECHNIQUE_ESCAPE)
		add_escape(event, &record, text);
	else if (record.technique < COUNT(techniques) && techniques[record.technique])
		add_attempt(event, &record, text);
	else
		return "tampering of an unknown technique";
	return NULL;
}
