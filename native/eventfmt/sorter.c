/* SPDX-License-Identifier: Apache-2.0 */
#include "sorter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SLOTS 64

int next_record(const char *block, size_t size, size_t *offset, struct record *record)
{
	size_t left = size - *offset;

	if (left < sizeof(record->size))
		return EINVAL;
	memcpy(&record->size, block + *offset, sizeof(record->size));
	if (left - sizeof(record->size) < record->size)
		return EINVAL;
	record->bytes = block + *offset + sizeof(record->size);
	*offset += sizeof(record->size) + record->size;
	return 0;
}

static int is_of(const struct group *group, uint32_t session, uint8_t delegation)
{
	return group->session == session && group->delegation == delegation;
}

static uint32_t *slot_of(const struct sorter *sorter, uint32_t session, uint8_t delegation)
{
	size_t at = (session + delegation) * 2654435761u & (sorter->slots - 1);

	while (sorter->table[at] && !is_of(&sorter->groups[sorter->table[at] - 1], session, delegation))
		at = (at + 1) & (sorter->slots - 1);
	return &sorter->table[at];
}

/* Twice as many slots, and groups for half of them. */
static int grow(struct sorter *sorter)
{
	size_t slots = sorter->slots ? 2 * sorter->slots : LEAST_SLOTS;
	struct group *groups = realloc(sorter->groups, slots / 2 * sizeof(*groups));
	uint32_t *table = groups ? calloc(slots, sizeof(*table)) : NULL;

	if (groups)
		sorter->groups = groups;
	if (!table)
		return ENOMEM;
	free(sorter->table);
	sorter->table = table;
	sorter->slots = slots;
	for (size_t i = 0; i < sorter->count; i++)
		*slot_of(sorter, groups[i].session, groups[i].delegation) = i + 1;
	return 0;
}

static int note_group(struct sorter *sorter, uint32_t session, uint8_t delegation)
{
	struct group *group;
	uint32_t *slot;

	if (sorter->count == sorter->slots / 2 && grow(sorter))
		return ENOMEM;
	slot = slot_of(sorter, session, delegation);
	if (*slot)
		return 0;
	group = &sorter->groups[sorter->count];
	memset(group, 0, sizeof(*group));
	group->session = session;
	group->delegation = delegation;
	*slot = ++sorter->count;
	return 0;
}

int sorter_find(struct sorter *sorter, uint64_t records, size_t bytes)
{
	struct record_header header;
	struct record record;
	size_t used = 0;

	for (sorter->end = sorter->first; sorter->end < sorter->size; used += record.size) {
		if (sorter->records == records || used > bytes)
			break;
		if (next_record(sorter->block, sorter->size, &sorter->end, &record))
			return EINVAL;
		sorter->records++;
		if (!record_header_of(record.bytes, record.size, &header) &&
			note_group(sorter, header.session, header.delegation))
			return ENOMEM;
	}
	return 0;
}

static void complain(struct sorter *sorter, const char *complaint)
{
	sorter->undecoded++;
	if (!sorter->complaint)
		sorter->complaint = complaint;
}

static int format_record(struct sorter *sorter, const struct record *record)
{
	struct record_header header;
	const char *complaint;
	struct group *group;

	if (record_header_of(record->bytes, record->size, &header)) {
		complain(sorter, "record without a header");
		return 0;
	}
	group = &sorter->groups[*slot_of(sorter, header.session, header.delegation) - 1];
	if (!group->known)
		return 0;
	complaint = event_line(&group->lines, record->bytes, record->size, &group->about);
	if (complaint)
		complain(sorter, complaint);
	else
		group->about.number++;
	if (header.kind < RECORD_KINDS)
		(complaint ? group->undecodable : group->delivered)[header.kind]++;
	return group->lines.failed ? ENOMEM : 0;
}

int sorter_format(struct sorter *sorter)
{
	struct record record;
	int error = 0;

	for (size_t offset = sorter->first; offset < sorter->end && !error;) {
		error = next_record(sorter->block, sorter->size, &offset, &record);
		if (!error)
			error = format_record(sorter, &record);
	}
	return error;
}

void sorter_free(struct sorter *sorter)
{
	for (size_t i = 0; i < sorter->count; i++) {
		text_free(&sorter->groups[i].lines);
		text_free(&sorter->groups[i].about.delegated);
	}
	free(sorter->groups);
	free(sorter->table);
}
