/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON that may be stored as they are. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum member {
	MEMBER_CLUSTER,
	MEMBER_CODE,
	MEMBER_EI,
	MEMBER_EVENT,
	MEMBER_TIME,
	MEMBER_UID,
	MANDATORY,
	MEMBER_SERVER = MANDATORY,
	MEMBERS
};

struct value {
	const char *bytes; /* of a text without its quotes; NULL when there is none */
	size_t size;
};

/* Is line one JSON object, no white space between tokens, UTF-8, nothing unprintable, and its own keys in strictly
 * ascending order? Are the members that it has text without escapes, or for ei a number? They are noted. */
int scan_line(const char *line, size_t size, struct value members[MEMBERS]);
