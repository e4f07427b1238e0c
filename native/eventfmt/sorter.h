/* SPDX-License-Identifier: Apache-2.0 */
/* A block of records as lines, sorted by session. */
#pragma once

#include "event.h"

/* The lines of one session, or of what daemons do for it by one delegation. */
struct group {
	uint32_t session;
	uint8_t delegation;
	int known; /* only then lines are made */
	struct about about;
	struct text lines;
	uint64_t delivered[RECORD_KINDS], undecodable[RECORD_KINDS];
};

struct record {
	const char *bytes;
	uint32_t size;
};

/* The record at *offset of a block, which moves on; 0, or EINVAL when it is torn, or there is none. */
int next_record(const char *block, size_t size, size_t *offset, struct record *record);

/* A part of a block: each record is behind its 32-bit length. */
struct sorter {
	const char *block;
	size_t size, first, end; /* the part is block[first:end] */
	uint64_t records, undecoded;
	const char *complaint; /* about the first record that does not decode */
	struct group *groups;
	size_t count;
	uint32_t *table; /* hash of session and delegation to their group, counted from 1 */
	size_t slots;
};

/* Choose the part that begins at first, at most so many records or just above so many bytes, and find its
 * sessions. 0, EINVAL for a torn block, or ENOMEM; sorter_free is to be called in any case. */
int sorter_find(struct sorter *sorter, uint64_t records, size_t bytes);

/* Make the lines of known sessions; 0 or ENOMEM. */
int sorter_format(struct sorter *sorter);
void sorter_free(struct sorter *sorter);
