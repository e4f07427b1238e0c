/* SPDX-License-Identifier: Apache-2.0 */
/* What a block of lines says as a whole. */
#pragma once

#include "schema.h"
#include "uids.h"

#define MOST_CLUSTERS 32
#define MOST_CONTEXTS 256

enum context_field {
	CONTEXT_EVENT,
	CONTEXT_LOGIN,
	CONTEXT_NAMESPACE,
	CONTEXT_HOSTNAME,
	CONTEXT_SERVER,
	CONTEXT_SID,
	CONTEXT_USER,
	CONTEXT_FIELDS
};

/* Who and where, of the lines of which this is the same: what a line does not have is empty. */
struct context {
	struct value values[CONTEXT_FIELDS];
	struct value first, last; /* times */
};

struct block {
	const struct schema *schema; /* may be NULL */
	size_t longest; /* line that is allowed, in bytes */
	uint64_t last_ei; /* that is allowed */
	struct uid_key key; /* of the fingerprints */
	uint64_t *uids; /* fingerprints, one for each line */
	uint64_t lines;
	struct value first, last; /* times */
	struct value clusters[MOST_CLUSTERS];
	struct context contexts[MOST_CONTEXTS];
	size_t clusters_count, contexts_count;
};

/* Is each line, with its newline, an event that may be stored as it is? */
int scan_block(struct block *block, const char *lines, size_t size);
