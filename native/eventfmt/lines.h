/* SPDX-License-Identifier: Apache-2.0 */
/* The node's part of a line: what goes into the slots. */
#pragma once

#include "event_fields.h"
#include "text.h"

#define MAX_KINDS 8

struct fragment {
	const char *bytes;
	size_t size;
};

/* One pass over lines. */
struct filling {
	struct fragment slots[SLOTS]; /* that of the index is empty */
	struct fragment codes[MAX_KINDS];
	int kinds; /* number of codes; lines of any other are of the kind that follows */
	uint64_t index; /* of the next line */
	struct text all; /* every line */
	struct text of[MAX_KINDS + 1]; /* the lines of each kind */
	uint64_t counts[MAX_KINDS + 1];
	size_t longest; /* line, in bytes */
};

/* 0, EINVAL when something is no line with slots, or ENOMEM. */
int fill_lines(struct filling *filling, const char *lines, size_t size);
void filling_free(struct filling *filling);
