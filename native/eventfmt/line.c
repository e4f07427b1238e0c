/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include "details.h"

#include <stdio.h>
#include <string.h>

#define AUDIT_UNSET 0xffffffff
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct {
	uint16_t flag;
	const char *name;
} cuts[] = {{CUT_PATH, "path"}, {CUT_ARGS, "args"}, {CUT_ENV, "env"}, {UNREADABLE, "unreadable"}};

#define MINOR_BITS 20

#define ALL_CUTS (CUT_PATH | CUT_ARGS | CUT_ENV | UNREADABLE)

void add_named(struct text *out, const char *key, const char *value, size_t size)
{
	text_add(out, key, strlen(key));
	text_string(out, value, size);
}

void add_given(struct text *out, const char *key, const char *value, size_t size)
{
	if (size)
		add_named(out, key, value, size);
}

void add_count(struct text *out, const char *key, uint64_t value)
{
	text_add(out, key, strlen(key));
	text_number(out, value);
}

void add_return_code(struct event *event)
{
	text_literal(event->out, KEY_RETURN_CODE);
	text_signed(event->out, event->header.result);
}

void add_audit_session_id(struct event *event)
{
	if (event->header.audit_session != AUDIT_UNSET)
		add_count(event->out, KEY_AUDIT_SESSION_ID, event->header.audit_session);
}

void add_cgroup_id(struct event *event)
{
	add_count(event->out, KEY_CGROUP_ID, event->header.cgroup_id);
}

void add_delegated(struct event *event)
{
	text_add(event->out, event->about->delegated.bytes, event->about->delegated.size);
}

void add_detached(struct event *event)
{
	if (event->about->detached)
		text_literal(event->out, KEY_DETACHED "true");
}

void add_pid(struct event *event)
{
	add_count(event->out, KEY_PID, event->header.pid);
}

void add_process_euid(struct event *event)
{
	add_count(event->out, KEY_PROCESS_EUID, event->header.euid);
}

void add_process_uid(struct event *event)
{
	add_count(event->out, KEY_PROCESS_UID, event->header.uid);
}

void add_program(struct event *event)
{
	const char *program = event->header.program;

	add_named(event->out, KEY_PROGRAM, program, strnlen(program, sizeof(event->header.program)));
}

void add_time(struct event *event)
{
	char time[TIME_BYTES];
	int64_t microseconds = event->about->boot + (int64_t)(event->header.time / 1000);

	add_named(event->out, KEY_TIME, time, spell_time(time, microseconds));
}

void add_truncated(struct event *event)
{
	const char *before = KEY_TRUNCATED "[\"";

	if (!(event->header.flags & ALL_CUTS))
		return;
	for (size_t i = 0; i < COUNT(cuts); i++) {
		if (!(event->header.flags & cuts[i].flag))
			continue;
		text_add(event->out, before, strlen(before));
		text_add(event->out, cuts[i].name, strlen(cuts[i].name));
		before = "\",\"";
	}
	text_literal(event->out, "\"]");
}

void add_uid(struct event *event)
{
	static const char digits[] = "0123456789abcdef";
	char number[12];

	for (int i = 0; i < 12; i++)
		number[i] = digits[event->about->number >> (44 - 4 * i) & 15];
	text_literal(event->out, KEY_UID "\"");
	text_add(event->out, event->about->uid, UID_PREFIX);
	text_add(event->out, number, sizeof(number));
	text_literal(event->out, "\"");
}

void add_unresolved(struct event *event)
{
	if (event->header.flags & UNRESOLVED)
		text_literal(event->out, KEY_UNRESOLVED "true");
}

void add_via(struct event *event)
{
	if (event->header.flags & VIA_IO_URING)
		text_literal(event->out, KEY_VIA "\"io_uring\"");
}

size_t spell_device(char *out, uint32_t device)
{
	return sprintf(out, "%u:%u", device >> MINOR_BITS, device & ((1 << MINOR_BITS) - 1));
}

void add_path(struct event *event, const char *key, const char *path, size_t size)
{
	add_named(event->out, key, path, size);
	if (!size || !(event->header.flags & DELETED) || event->out->failed)
		return;
	event->out->size--;
	text_literal(event->out, " (deleted)\"");
}
