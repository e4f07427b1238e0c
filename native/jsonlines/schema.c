/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

static const struct event_schema *find_event(const struct schema *schema, const struct value *name)
{
	size_t low = 0, high = schema->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_values(&schema->events[middle].name, name);

		if (!order)
			return &schema->events[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int is_code(const struct event_schema *event, const struct value *code)
{
	for (size_t i = 0; i < event->codes_count; i++)
		if (!compare_values(&event->codes[i], code))
			return 1;
	return 0;
}

/* As uuid.UUID writes it, in quotes. */
static int is_uuid(const struct value *text)
{
	if (text->size != 38)
		return 0;
	for (size_t i = 1; i < 37; i++) {
		char byte = text->bytes[i];
		int dash = i == 9 || i == 14 || i == 19 || i == 24;

		if (dash ? byte != '-' : !((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f')))
			return 0;
	}
	return 1;
}

static int is_valid_value(const struct field *field, const struct value *value)
{
	switch (*field->type) {
	case 'u': return is_uuid(value);
	case 't': return value->size <= field->longest && is_of_type(value, "s");
	case 'p': return value->size <= field->longest && is_plain_text(value);
	default: return is_of_type(value, field->type);
	}
}

/* Keys and fields are both in order, so one pass over each is enough. */
int is_valid_event(const struct schema *schema, const struct line *line)
{
	const struct event_schema *event = find_event(schema, &line->members[MEMBER_EVENT]);
	size_t next = 0;

	if (!event || !is_code(event, &line->members[MEMBER_CODE]))
		return 0;
	for (size_t i = 0; i < line->count; i++, next++) {
		int order = 1;

		while (next < event->fields_count &&
			   (order = compare_values(&event->fields[next].name, &line->pairs[i].key)) < 0)
			if (event->fields[next++].required)
				return 0;
		if (order || !is_valid_value(&event->fields[next], &line->pairs[i].value))
			return 0;
	}
	for (; next < event->fields_count; next++)
		if (event->fields[next].required)
			return 0;
	return 1;
}
