/* SPDX-License-Identifier: Apache-2.0 */
/* What lines of all kinds have in common. The order of keys and of slots is in event_fields.h. */
#pragma once

#include "event.h"
#include "event_fields.h"

/* One record on its way into a line. */
struct event {
	struct text *out;
	const struct about *about;
	struct record_header header;
	const char *record;
	size_t size;
};

/* key: the comma before it, quotes and colon included. */
void add_named(struct text *out, const char *key, const char *value, size_t size);
/* Nothing for an empty value. */
void add_given(struct text *out, const char *key, const char *value, size_t size);
void add_count(struct text *out, const char *key, uint64_t value);

/* Fields of every event of capture; nothing where a field does not apply. */
void add_audit_session_id(struct event *event);
void add_cgroup_id(struct event *event);
void add_delegated(struct event *event);
void add_detached(struct event *event);
void add_pid(struct event *event);
void add_process_euid(struct event *event);
void add_process_uid(struct event *event);
void add_program(struct event *event);
void add_time(struct event *event);
void add_truncated(struct event *event);
void add_uid(struct event *event);
void add_unresolved(struct event *event);
void add_via(struct event *event);
void add_return_code(struct event *event);
/* As /proc/PID/exe shows it: a file without a name is marked. */
void add_path(struct event *event, const char *key, const char *path, size_t size);

#define DEVICE_BYTES 16
/* As /proc/PID/mountinfo shows it, MAJOR:MINOR; returns the bytes written. */
size_t spell_device(char *out, uint32_t device);

/* The kinds: add the line, or return why the record does not decode. */
const char *add_command(struct event *event);
const char *add_tamper(struct event *event);

/* What event_fields.h asks for: calls of the functions above, for the event in scope. */
#define COMMON_FIELD(name) add_##name(event);
#define TEXT_FIELD(text) text_literal(event->out, text);
#define SLOT_FIELD text_literal(event->out, SLOT_MARK);
