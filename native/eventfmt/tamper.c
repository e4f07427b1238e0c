/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts to blind or mislead the record, and escapes from a session's cgroup. */
#define _GNU_SOURCE
#include "line.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define DETAIL_BYTES 64

static const char *const techniques[] = {TECHNIQUE_NAMES};

static const char *const bpf_commands[] = {
	"MAP_CREATE",		 "MAP_LOOKUP_ELEM",
	"MAP_UPDATE_ELEM",	 "MAP_DELETE_ELEM",
	"MAP_GET_NEXT_KEY",	 "PROG_LOAD",
	"OBJ_PIN",			 "OBJ_GET",
	"PROG_ATTACH",		 "PROG_DETACH",
	"PROG_TEST_RUN",	 "PROG_GET_NEXT_ID",
	"MAP_GET_NEXT_ID",	 "PROG_GET_FD_BY_ID",
	"MAP_GET_FD_BY_ID",	 "OBJ_GET_INFO_BY_FD",
	"PROG_QUERY",		 "RAW_TRACEPOINT_OPEN",
	"BTF_LOAD",			 "BTF_GET_FD_BY_ID",
	"TASK_FD_QUERY",	 "MAP_LOOKUP_AND_DELETE_ELEM",
	"MAP_FREEZE",		 "BTF_GET_NEXT_ID",
	"MAP_LOOKUP_BATCH",	 "MAP_LOOKUP_AND_DELETE_BATCH",
	"MAP_UPDATE_BATCH",	 "MAP_DELETE_BATCH",
	"LINK_CREATE",		 "LINK_UPDATE",
	"LINK_GET_FD_BY_ID", "LINK_GET_NEXT_ID",
	"ENABLE_STATS",		 "ITER_CREATE",
	"LINK_DETACH",		 "PROG_BIND_MAP",
	"TOKEN_CREATE",
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
	case TECHNIQUE_BPF: return spell_bpf(out, record->argument);
	case TECHNIQUE_PTRACE: return spell_ptrace(out, record->argument);
	case TECHNIQUE_SIGNAL: return spell_signal(out, record->argument);
	default: return 0;
	}
}

static void escape_by_pid(struct event *event, const struct tamper_record *record, const char *cgroup)
{
	add_count(event->out, KEY_BY_PID, record->target);
}

static void escape_cgroup(struct event *event, const struct tamper_record *record, const char *cgroup)
{
	add_named(event->out, KEY_CGROUP, cgroup, record->size);
}

static void add_escape(struct event *event, const struct tamper_record *record, const char *text)
{
#define OWN_FIELD(name) escape_##name(event, record, text);
	SESSION_ESCAPE_FIELDS(COMMON_FIELD, OWN_FIELD, TEXT_FIELD, SLOT_FIELD)
#undef OWN_FIELD
}

static void attempt_detail(struct event *event, const struct tamper_record *record, const char *target)
{
	char detail[DETAIL_BYTES];

	add_given(event->out, KEY_DETAIL, detail, spell_detail(detail, record));
}

static void attempt_return_code(struct event *event, const struct tamper_record *record, const char *target)
{
	add_return_code(event);
}

static void attempt_target(struct event *event, const struct tamper_record *record, const char *target)
{
	add_given(event->out, KEY_TARGET, target, record->size);
}

static void attempt_target_pid(struct event *event, const struct tamper_record *record, const char *target)
{
	if (record->target)
		add_count(event->out, KEY_TARGET_PID, record->target);
}

static void attempt_technique(struct event *event, const struct tamper_record *record, const char *target)
{
	const char *technique = techniques[record->technique];

	add_named(event->out, KEY_TECHNIQUE, technique, strlen(technique));
}

static void add_attempt(struct event *event, const struct tamper_record *record, const char *text)
{
#define OWN_FIELD(name) attempt_##name(event, record, text);
	SESSION_TAMPER_FIELDS(COMMON_FIELD, OWN_FIELD, TEXT_FIELD, SLOT_FIELD)
#undef OWN_FIELD
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
