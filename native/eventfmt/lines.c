/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <string.h>

#include "event.h"

static const char code_key[] = ",\"code\":\"";

/* The kind of a line from what follows its first slot. */
static int kind_of(const struct filling *filling, const char *rest, size_t size)
{
	size_t key = sizeof(code_key) - 1;

	if (size < key || memcmp(rest, code_key, key))
		return -1;
	for (int i = 0; i < filling->kinds; i++) {
		const struct fragment *code = &filling->codes[i];

		if (size - key > code->size && !memcmp(rest + key, code->bytes, code->size) && rest[key + code->size] == '"')
			return i;
	}
	return filling->kinds;
}

static void fill_slot(struct filling *filling, struct text *out, int slot)
{
	if (slot == SLOT_EI) {
		text_literal(out, ",\"ei\":");
		text_number(out, filling->index);
	} else {
		text_add(out, filling->slots[slot].bytes, filling->slots[slot].size);
	}
}

/* line: with its newline. */
static int fill_line(struct filling *filling, const char *line, size_t size)
{
	size_t before = filling->all.size;
	int kind = -1;

	for (int slot = 0; slot < SLOTS; slot++) {
		const char *mark = memchr(line, *SLOT_MARK, size);

		if (!mark)
			return EINVAL;
		text_add(&filling->all, line, mark - line);
		fill_slot(filling, &filling->all, slot);
		size -= mark + 1 - line;
		line = mark + 1;
		if (slot == SLOT_CLUSTER_NAME)
			kind = kind_of(filling, line, size);
	}
	if (kind < 0 || memchr(line, *SLOT_MARK, size))
		return EINVAL;
	text_add(&filling->all, line, size);
	if (filling->all.failed)
		return ENOMEM;
	size = filling->all.size - before;
	text_add(&filling->of[kind], filling->all.bytes + before, size);
	filling->counts[kind]++;
	filling->index++;
	if (size > filling->longest)
		filling->longest = size;
	return filling->of[kind].failed ? ENOMEM : 0;
}

int fill_lines(struct filling *filling, const char *lines, size_t size)
{
	int error = 0;

	while (size && !error) {
		const char *newline = memchr(lines, '\n', size);
		size_t length = newline ? (size_t)(newline + 1 - lines) : 0;

		error = newline ? fill_line(filling, lines, length) : EINVAL;
		lines += length;
		size -= length;
	}
	return error;
}

void filling_free(struct filling *filling)
{
	text_free(&filling->all);
	for (int i = 0; i <= MAX_KINDS; i++)
		text_free(&filling->of[i]);
}
