/* SPDX-License-Identifier: Apache-2.0 */
/* What lines of all kinds have in common. Keys of a line are in order, and so are the slots between them. */
#pragma once

#include "event.h"

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

void add_audit_session(struct event *event);
/* cgroup_id, which precedes it, included. */
void add_code(struct event *event, const char *code);
/* And whether a daemon acts for the session. */
void add_detached(struct event *event);
void add_event(struct event *event, const char *name);
void add_process(struct event *event);
void add_result(struct event *event);
void add_server(struct event *event);
void add_time(struct event *event);
void add_truncated(struct event *event);
/* And whether the event says what the process has asked for, since the result was not seen. */
void add_uid(struct event *event);
void add_end(struct event *event);
/* As /proc/PID/exe shows it: a file without a name is marked. */
void add_path(struct event *event, const char *key, const char *path, size_t size);

#define DEVICE_BYTES 16
/* As /proc/PID/mountinfo shows it, MAJOR:MINOR; returns the bytes written. */
size_t spell_device(char *out, uint32_t device);

/* The kinds: add the line, or return why the record does not decode. */
const char *add_command(struct event *event);
const char *add_tamper(struct event *event);
