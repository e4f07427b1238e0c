/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a block of records: into lines of JSON, and those filled in (./run fuzz). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../eventfmt/lines.h"
#include "../eventfmt/sorter.h"

static void fill(const struct text *lines, uint64_t count)
{
	struct filling filling = {.codes = {{"T4000I", 6}, {"T4001I", 6}, {"T4002I", 6}}, .kinds = 3};

	for (int slot = 0; slot < SLOTS; slot++)
		filling.slots[slot] = (struct fragment){",\"x\":1", 6};
	if (fill_lines(&filling, lines->bytes, lines->size) || filling.index != count)
		abort();
	filling_free(&filling);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sorter sorter = {.block = (const char *)data, .size = size};
	int error = sorter_find(&sorter, 1 << 16, 1 << 20);

	if (error != 0 && error != EINVAL)
		abort();
	for (size_t i = 0; i < sorter.count && !error; i++) {
		sorter.groups[i].known = sorter.groups[i].session != 7;
		sorter.groups[i].about.detached = i & 1;
	}
	if (!error && sorter_format(&sorter))
		abort();
	for (size_t i = 0; i < sorter.count && !error; i++) {
		uint64_t count = 0;

		for (int kind = 0; kind < RECORD_KINDS; kind++)
			count += sorter.groups[i].delivered[kind];
		if (count)
			fill(&sorter.groups[i].lines, count);
	}
	sorter_free(&sorter);
	return 0;
}
