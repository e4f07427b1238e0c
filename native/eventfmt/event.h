/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the kernel as lines of JSON (docs/capture.md). */
#pragma once

#include "text.h"

#include <linux/types.h>

#include "../../bpf/include/record.h"

#define SLOT_MARK "\x1f" /* where the node puts what it knows; see event_fields.h */
#define UID_PREFIX 24

/* Context of an event, besides its record. */
struct about {
	char uid[UID_PREFIX]; /* of the session; the number is appended */
	uint64_t number;
	int detached;
	struct text delegated; /* a key and its value, or nothing */
	const struct digests *digests;
	int64_t boot; /* when the kernel's clock was 0, microseconds since 1970 */
};

/* Read the header of a record; 0, or -1 when it is too short for one. */
int record_header_of(const char *record, size_t size, struct record_header *header);

/* Add the line of a record to out. Returns NULL, or why the record does not decode; then out is as before. */
const char *event_line(struct text *out, const char *record, size_t size, const struct about *about);
