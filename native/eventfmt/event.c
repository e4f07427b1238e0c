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

static int is_detached(const struct event *event)
{
	return event->header.flags & DETACHED;
}

static void disk_device(struct event *event, const struct disk_record *record)
{
	char device[DEVICE_BYTES];

	if (is_detached(event))
		add_named(event->out, KEY_DEVICE, device, spell_device(device, record->device));
}

static void disk_flags(struct event *event, const struct disk_record *record)
{
	add_count(event->out, KEY_FLAGS, record->open_flags);
}

static void disk_inode(struct event *event, const struct disk_record *record)
{
	if (is_detached(event))
		add_count(event->out, KEY_INODE, record->inode);
}

static void disk_mount_id(struct event *event, const struct disk_record *record)
{
	if (is_detached(event))
		add_count(event->out, KEY_MOUNT_ID, record->mount);
}

static void disk_path(struct event *event, const struct disk_record *record)
{
	add_path(event, KEY_PATH, event->record + sizeof(*record), record->size);
}

static void disk_path_state(struct event *event, const struct disk_record *record)
{
	if (is_detached(event))
		text_literal(event->out, KEY_PATH_STATE "\"detached\"");
}

static void disk_return_code(struct event *event, const struct disk_record *record)
{
	add_return_code(event);
}

static const char *add_disk(struct event *event)
{
	struct disk_record record;

	if (event->size < sizeof(record))
		return "torn opened file";
	memcpy(&record, event->record, sizeof(record));
	if (record.size > event->size - sizeof(record))
		return "path of an opened file beyond its end";
#define OWN_FIELD(name) disk_##name(event, &record);
	SESSION_DISK_FIELDS(COMMON_FIELD, OWN_FIELD, TEXT_FIELD, SLOT_FIELD)
#undef OWN_FIELD
	return NULL;
}

/* A connection, with its addresses as they are shown. */
struct connection {
	struct endpoints ends;
	struct address source, target;
};

/* Ends of a connection; a socket that was only made may be of any family, and has none. */
static int ends_of(const struct endpoints *ends, struct address *source, struct address *target)
{
	if (ends->operation == OPERATION_SOCKET) {
		*source = *target = (struct address){.family = ends->family};
		return 0;
	}
	return address_of(source, ends->family, ends->source) || address_of(target, ends->family, ends->destination);
}

static void network_action(struct event *event, const struct connection *connection)
{
	add_count(event->out, KEY_ACTION, connection->ends.denied ? 1 : 0);
}

static void network_dst_addr(struct event *event, const struct connection *connection)
{
	char text[ADDRESS_BYTES];

	add_named(event->out, KEY_DST_ADDR, text, spell_address(text, &connection->target));
}

static void network_dst_port(struct event *event, const struct connection *connection)
{
	add_count(event->out, KEY_DST_PORT, connection->ends.destination_port);
}

/* As events number them; an outcome has an event of its own. */
static int operation_of(uint16_t operation)
{
	return operation - OPERATION_CONNECT - (operation > OPERATION_OUTCOME);
}

static void network_operation(struct event *event, const struct connection *connection)
{
	add_count(event->out, KEY_OPERATION, operation_of(connection->ends.operation));
}

static void network_protocol(struct event *event, const struct connection *connection)
{
	char name[8];
	size_t size = spell_protocol(name, connection->ends.family, connection->ends.protocol);

	add_named(event->out, KEY_PROTOCOL, name, size);
}

static void network_return_code(struct event *event, const struct connection *connection)
{
	add_return_code(event);
}

/* The source of an unbound socket has no family; it is shown in that of the target. */
static void network_src_addr(struct event *event, const struct connection *connection)
{
	const struct address *source = &connection->source;
	struct address unbound = {.family = connection->target.family};
	char text[ADDRESS_BYTES];
	int any = source->family != unbound.family && !memcmp(source->bytes, unbound.bytes, sizeof(unbound.bytes));

	add_named(event->out, KEY_SRC_ADDR, text, spell_address(text, any ? &unbound : source));
}

static void network_src_port(struct event *event, const struct connection *connection)
{
	add_count(event->out, KEY_SRC_PORT, connection->ends.source_port);
}

static void network_version(struct event *event, const struct connection *connection)
{
	add_count(event->out, KEY_VERSION, version_of(&connection->target));
}

static const char *add_network(struct event *event)
{
	struct network_record record;
	struct connection connection;

	if (event->size < sizeof(record))
		return "torn connection";
	memcpy(&record, event->record, sizeof(record));
	connection.ends = record.endpoints;
	if (ends_of(&connection.ends, &connection.source, &connection.target))
		return "connection of an unknown family";
	if (connection.ends.operation < OPERATION_CONNECT || connection.ends.operation > OPERATION_SOCKET)
		return "connection of an unknown operation";
#define OWN_FIELD(name) network_##name(event, &connection);
	if (connection.ends.operation == OPERATION_OUTCOME) {
		SESSION_OUTCOME_FIELDS(COMMON_FIELD, OWN_FIELD, TEXT_FIELD, SLOT_FIELD)
	} else {
		SESSION_NETWORK_FIELDS(COMMON_FIELD, OWN_FIELD, TEXT_FIELD, SLOT_FIELD)
	}
#undef OWN_FIELD
	return NULL;
}

static const char *add_body(struct event *event)
{
	switch (event->header.kind) {
	case RECORD_COMMAND: return add_command(event);
	case RECORD_DISK: return add_disk(event);
	case RECORD_NETWORK: return add_network(event);
	case RECORD_TAMPER: return add_tamper(event);
	default: return "record of an unknown kind";
	}
}

const char *event_line(struct text *out, const char *record, size_t size, const struct about *about)
{
	struct event event = {.out = out, .about = about, .record = record, .size = size};
	size_t before = out->size;
	const char *complaint;

	if (record_header_of(record, size, &event.header))
		return "record without a header";
	complaint = add_body(&event);
	if (complaint)
		out->size = before;
	else if (!out->failed) {
		out->bytes[before] = '{'; /* for the comma before the first key */
		text_literal(out, "}\n");
	}
	return complaint;
}
