/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON that may be stored as they are. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* In the order of their names, as lines have them. */
enum member {
	MEMBER_CLUSTER,
	MEMBER_CODE,
	MEMBER_EI,
	MEMBER_EVENT,
	MEMBER_LOGIN,
	MEMBER_NAMESPACE,
	MEMBER_HOSTNAME,
	MEMBER_SERVER,
	MEMBER_SID,
	MEMBER_TIME,
	MEMBER_UID,
	MEMBER_USER,
	MEMBERS
};

#define MANDATORY                                                                                          \
	(1u << MEMBER_CLUSTER | 1u << MEMBER_CODE | 1u << MEMBER_EI | 1u << MEMBER_EVENT | 1u << MEMBER_TIME | \
	 1u << MEMBER_UID)
#define MOST_KEYS 256

struct value {
	const char *bytes; /* of a text without its quotes; NULL when there is none */
	size_t size;
};

/* A member of an object: its key, and its value as it is written. */
struct pair {
	struct value key, value;
};

struct line {
	struct value members[MEMBERS];
	struct pair pairs[MOST_KEYS]; /* all members */
	size_t count;
};

/* Is line one JSON object, no white space between tokens, UTF-8, nothing unprintable, and its own keys in strictly
 * ascending order? Are the members that it has text without escapes, or for ei a number? They are noted. */
int scan_line(const char *text, size_t size, struct line *line);

/* Negative, 0 or positive, as one is before, equal to or after the other, byte by byte. */
int compare_values(const struct value *one, const struct value *other);

/* Is a value that scan_line has accepted of this type? s: text; i: integer; b: true or false; l: a list and m: an
 * object, each of the type that follows; a: any. */
int is_of_type(const struct value *value, const char *type);

/* Has the text, with its quotes, no escapes, and ASCII characters only that are printable? */
int is_plain_text(const struct value *text);
