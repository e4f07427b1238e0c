/* SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include <string.h>

#define SECONDS 19 /* characters of a time up to its seconds */

static int is_equal(const struct value *one, const struct value *other)
{
	return one->size == other->size && !memcmp(one->bytes, other->bytes, one->size);
}

/* The latest is looked at first: most lines of a block say the same. */
static int note(struct distinct *distinct, const struct value *value)
{
	for (size_t i = distinct->count; i-- > 0;)
		if (is_equal(&distinct->values[i], value))
			return 1;
	if (distinct->count == MOST_DISTINCT)
		return 0;
	distinct->values[distinct->count++] = *value;
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
static int compare(const struct value *one, const struct value *other)
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

static int scan_event(struct block *block, const char *line, size_t size)
{
	static const struct value none = {"", 0};
	struct value members[MEMBERS] = {};
	const struct value *server = &members[MEMBER_SERVER], *time = &members[MEMBER_TIME];

	if (size >= block->longest || !scan_line(line, size, members))
		return 0;
	for (int i = 0; i < MANDATORY; i++)
		if (!members[i].size)
			return 0;
	if (!is_index(&members[MEMBER_EI], block->last_ei) || !is_time(time))
		return 0;
	if (!block->lines || compare(time, &block->first) < 0)
		block->first = *time;
	if (!block->lines || compare(time, &block->last) > 0)
		block->last = *time;
	block->lines++;
	return note(&block->events, &members[MEMBER_EVENT]) && note(&block->clusters, &members[MEMBER_CLUSTER]) &&
		   note(&block->servers, server->bytes ? server : &none);
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
