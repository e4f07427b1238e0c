/* SPDX-License-Identifier: Apache-2.0 */
/* What events there are, and the type of each of their fields; src/proctor/model/event_schema.py derives it. */
#pragma once

#include "scan.h"

struct field {
	struct value name;
	const char
		*type; /* for is_of_type; or u: a UUID; p: plain text, t: any text, of at most longest bytes as written */
	size_t longest;
	int required;
};

struct event_schema {
	struct value name;
	struct value *codes;
	struct field *fields; /* sorted by name */
	size_t codes_count, fields_count;
};

struct schema {
	struct event_schema *events; /* sorted by name */
	size_t count;
};

/* Has the line an event of the schema, with one of its codes, its required fields, and no others than its fields, of
 * their types? */
int is_valid_event(const struct schema *schema, const struct line *line);
