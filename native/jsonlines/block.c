/* SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include <string.h>

#define SECONDS 19 /* characters of a time up to its seconds */

static int is_equal(const struct value *one, const struct value *other)
{
	return one->size == other->size && !memcmp(one->bytes, other->bytes, one->size);
}

/* The latest is looked at first: most lines of a block say the same. */
static int note_cluster(struct block *block, const struct value *cluster)
{
	for (size_t i = block->clusters_count; i-- > 0;)
		if (is_equal(&block->clusters[i], cluster))
			return 1;
	if (block->clusters_count == MOST_CLUSTERS)
		return 0;
	block->clusters[block->clusters_count++] = *cluster;
	return 1;
}

static int number(const char *digits, int count)
{
	int value = 0;

	for (; count--; digits++) {
		if (*digits < '0' || *digits > '9')
			return -1;
		value = 10 * value + *digits - '0';
	}
	return value;
}

static int is_date(const char *text)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
	int leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

	if (year < 1970 || year > 9998 || month < 1 || month > 12)
		return 0;
	return text[4] == '-' && text[7] == '-' && day >= 1 && day <= days[month - 1] + (leap && month == 2);
}

static int is_clock(const char *text)
{
	int hour = number(text, 2), minute = number(text + 3, 2), second = number(text + 6, 2);

	return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60 && text[2] == ':' &&
		   text[5] == ':';
}

/* As core.clock.format_time writes it: up to three digits behind the point, the last of them not 0. */
static int is_time(const struct value *time)
{
	const char *text = time->bytes;
	size_t digits = time->size > SECONDS + 2 ? time->size - SECONDS - 2 : 0;

	if (time->size != SECONDS + 1 && (digits < 1 || digits > 3))
		return 0;
	if (!is_date(text) || text[10] != 'T' || !is_clock(text + 11) || text[time->size - 1] != 'Z')
		return 0;
	return !digits || (text[SECONDS] == '.' && number(text + SECONDS + 1, digits) >= 0 && text[time->size - 2] != '0');
}

/* Negative, 0 or positive, as one is before, at or after the other; the Z at the end is no part of the order. */
static int compare_times(const struct value *one, const struct value *other)
{
	size_t shorter = one->size < other->size ? one->size : other->size;
	int order = memcmp(one->bytes, other->bytes, shorter - 1);

	return order ? order : (one->size > other->size) - (one->size < other->size);
}

static int is_index(const struct value *ei, uint64_t last)
{
	uint64_t value = 0;

	if (ei->size > 10)
		return 0;
	for (size_t i = 0; i < ei->size; i++) {
		if (ei->bytes[i] < '0' || ei->bytes[i] > '9')
			return 0;
		value = 10 * value + ei->bytes[i] - '0';
	}
	return value <= last;
}

static void extend(struct value *first, struct value *last, const struct value *time)
{
	if (!first->bytes || compare_times(time, first) < 0)
		*first = *time;
	if (!last->bytes || compare_times(time, last) > 0)
		*last = *time;
}

static int is_same(const struct context *one, const struct context *other)
{
	for (int i = CONTEXT_FIELDS; i-- > 0;)
		if (!is_equal(&one->values[i], &other->values[i]))
			return 0;
	return 1;
}

/* The latest is looked at first, as above; the session tells most contexts apart. */
static int note_context(struct block *block, const struct value *members)
{
	static const enum member noted[CONTEXT_FIELDS] = {
		[CONTEXT_EVENT] = MEMBER_EVENT,		  [CONTEXT_LOGIN] = MEMBER_LOGIN,	[CONTEXT_NAMESPACE] = MEMBER_NAMESPACE,
		[CONTEXT_HOSTNAME] = MEMBER_HOSTNAME, [CONTEXT_SERVER] = MEMBER_SERVER, [CONTEXT_SID] = MEMBER_SID,
		[CONTEXT_USER] = MEMBER_USER};
	struct context context = {};
	size_t i;

	for (i = 0; i < CONTEXT_FIELDS; i++)
		context.values[i] = members[noted[i]].bytes ? members[noted[i]] : (struct value){"", 0};
	for (i = block->contexts_count; i-- > 0;)
		if (is_same(&block->contexts[i], &context))
			break;
	if (i == (size_t)-1) {
		if (block->contexts_count == MOST_CONTEXTS)
			return 0;
		i = block->contexts_count++;
		block->contexts[i] = context;
	}
	extend(&block->contexts[i].first, &block->contexts[i].last, &members[MEMBER_TIME]);
	return 1;
}

static int has_mandatory(const struct value *members)
{
	for (int i = 0; i < MEMBERS; i++)
		if (MANDATORY & 1u << i && !members[i].size)
			return 0;
	return 1;
}

static int scan_event(struct block *block, const char *text, size_t size)
{
	struct line line;
	const struct value *members = line.members;

	if (size >= block->longest || !scan_line(text, size, &line) || !has_mandatory(members))
		return 0;
	if (!is_index(&members[MEMBER_EI], block->last_ei) || !is_time(&members[MEMBER_TIME]))
		return 0;
	if (block->schema && !is_valid_event(block->schema, &line))
		return 0;
	block->uids[block->lines++] = fingerprint(&block->key, &members[MEMBER_UID]);
	extend(&block->first, &block->last, &members[MEMBER_TIME]);
	return note_cluster(block, &members[MEMBER_CLUSTER]) && note_context(block, members);
}

int scan_block(struct block *block, const char *lines, size_t size)
{
	while (size) {
		const char *newline = memchr(lines, '\n', size);
		size_t length = newline ? (size_t)(newline - lines) : 0;

		if (!newline || !scan_event(block, lines, length))
			return 0;
		lines += length + 1;
		size -= length + 1;
	}
	return 1;
}
