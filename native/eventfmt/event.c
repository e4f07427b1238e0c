/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include "details.h"
#include "line.h"

#include <string.h>

int record_header_of(const char *record, size_t size, struct record_header *header)
{
	if (size < sizeof(*header))
		return -1;
	memcpy(header, record, sizeof(*header));
	return 0;
}

static const char *add_disk(struct event *event)
{
	struct disk_record record;
	int detached = event->header.flags & DETACHED;
	char device[DEVICE_BYTES];

	if (event->size < sizeof(record))
		return "torn opened file";
	memcpy(&record, event->record, sizeof(record));
	if (record.size > event->size - sizeof(record))
		return "path of an opened file beyond its end";
	add_audit_session(event);
	add_code(event, "T4001I");
	add_detached(event);
	if (detached)
		add_named(event->out, ",\"device\":", device, spell_device(device, record.device));
	text_literal(event->out, SLOT);
	add_event(event, "session.disk");
	add_count(event->out, ",\"flags\":", record.open_flags);
	if (detached)
		add_count(event->out, ",\"inode\":", record.inode);
	text_literal(event->out, SLOT);
	if (detached)
		add_count(event->out, ",\"mount_id\":", record.mount);
	add_path(event, ",\"path\":", event->record + sizeof(record), record.size);
	if (detached)
		text_literal(event->out, ",\"path_state\":\"detached\"");
	add_process(event);
	add_result(event);
	add_server(event);
	add_time(event);
	add_truncated(event);
	add_uid(event);
	add_end(event);
	return NULL;
}

/* The source of an unbound socket has no family; it is shown in that of the target. */
static void add_source(struct event *event, const struct address *source, const struct address *target)
{
	struct address unbound = {.family = target->family};
	char text[ADDRESS_BYTES];
	int any = source->family != target->family && !memcmp(source->bytes, unbound.bytes, sizeof(unbound.bytes));

	add_named(event->out, ",\"src_addr\":", text, spell_address(text, any ? &unbound : source));
}

/* Ends of a connection; a socket that was only made may be of any family, and has none. */
static int ends_of(const struct endpoints *ends, struct address *source, struct address *target)
{
	if (ends->operation == OPERATION_SOCKET) {
		*source = *target = (struct address){.family = ends->family};
		return 0;
	}
	return address_of(source, ends->family, ends->source) || address_of(target, ends->family, ends->destination);
}

static void add_protocol(struct event *event, const struct endpoints *ends)
{
	char name[8];

	add_named(event->out, ",\"protocol\":", name, spell_protocol(name, ends->family, ends->protocol));
}

/* As events number them; an outcome has an event of its own. */
static int operation_of(uint16_t operation)
{
	return operation - OPERATION_CONNECT - (operation > OPERATION_OUTCOME);
}

static const char *add_network(struct event *event)
{
	struct network_record record;
	const struct endpoints *ends = &record.endpoints;
	struct address source, target;
	char text[ADDRESS_BYTES];
	int outcome;

	if (event->size < sizeof(record))
		return "torn connection";
	memcpy(&record, event->record, sizeof(record));
	if (ends_of(ends, &source, &target))
		return "connection of an unknown family";
	outcome = ends->operation == OPERATION_OUTCOME;
	if (ends->operation < OPERATION_CONNECT || ends->operation > OPERATION_SOCKET)
		return "connection of an unknown operation";
	add_count(event->out, "\"action\":", ends->denied ? 1 : 0);
	text_literal(event->out, ",");
	add_audit_session(event);
	add_code(event, outcome ? "TP4907I" : "T4002I");
	add_detached(event);
	add_named(event->out, ",\"dst_addr\":", text, spell_address(text, &target));
	add_count(event->out, ",\"dst_port\":", ends->destination_port);
	text_literal(event->out, SLOT);
	add_event(event, outcome ? "session.outcome" : "session.network");
	text_literal(event->out, SLOT);
	if (!outcome)
		add_count(event->out, ",\"operation\":", operation_of(ends->operation));
	add_process(event);
	add_protocol(event, ends);
	add_result(event);
	add_server(event);
	add_source(event, &source, &target);
	add_count(event->out, ",\"src_port\":", ends->source_port);
	add_time(event);
	add_truncated(event);
	add_uid(event);
	add_count(event->out, ",\"version\":", version_of(&target));
	add_end(event);
	return NULL;
}

static const char *add_body(struct event *event)
{
	switch (event->header.kind) {
	case RECORD_COMMAND:
		return add_command(event);
	case RECORD_DISK:
		return add_disk(event);
	case RECORD_NETWORK:
		return add_network(event);
	case RECORD_TAMPER:
		return add_tamper(event);
	default:
		return "record of an unknown kind";
	}
}

const char *event_line(struct text *out, const char *record, size_t size, const struct about *about)
{
	struct event event = {.out = out, .about = about, .record = record, .size = size};
	size_t before = out->size;
	const char *complaint;

	if (record_header_of(record, size, &event.header))
		return "record without a header";
	text_literal(out, "{");
	complaint = add_body(&event);
	if (complaint)
		out->size = before;
	return complaint;
}
