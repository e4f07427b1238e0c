/* SPDX-License-Identifier: Apache-2.0 */
/* Records that were taken out of the rings, in files.
 *
 * A block is a file, named by its number: the header, then the records. It is there as a whole or not at all,
 * and before the consumer position of the rings moves past it. So whoever takes over from a process that was killed
 * goes on in each ring where the last block ends, and has every record once. */
#pragma once

#include "../support.h"

#include <stdint.h>

#define MAX_RINGS 8

struct block_header {
	uint64_t ends[MAX_RINGS]; /* position in each ring behind the records of this block */
};

/* What a block is made of. */
struct draft {
	size_t size; /* of the records */
	struct block_header header;
	char bytes[];
};

/* Make it a block; returns 0 when memory is exhausted. */
int draft_save(const struct draft *draft, int directory, uint64_t number);

/* The records of a block as bytes, of this size; NULL with OSError set. */
PyObject *block_load(int directory, uint64_t number, size_t size);
