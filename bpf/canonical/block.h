/* SPDX-License-Identifier: Apache-2.0 */
/* What a block of lines says as a whole. */
#pragma once

#include "scan.h"

#define MOST_DISTINCT 32

struct distinct {
	struct value values[MOST_DISTINCT];
	size_t count;
};

struct block {
	size_t longest;	  /* line that is allowed, in bytes */
	uint64_t last_ei; /* that is allowed */
	uint64_t lines;
	struct value first, last; /* times */
	struct distinct events, servers, clusters; /* an event without a server has the empty one */
};

/* Is each line, with its newline, an event that may be stored as it is? */
int scan_block(struct block *block, const char *lines, size_t size);
