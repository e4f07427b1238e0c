/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, and JSON in it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Once memory runs out, failed is set and nothing is added any more. */
struct text {
	char *bytes;
	size_t size, capacity;
	int failed;
};

void text_free(struct text *text);
void text_add(struct text *text, const void *bytes, size_t size);
void text_number(struct text *text, uint64_t number);
void text_signed(struct text *text, int64_t number);

#define text_literal(text, literal) text_add(text, literal, sizeof(literal) - 1)

/* How bytes of the kernel become text of an event (docs/capture.md). */
enum spelling { SPELL_PLAIN, SPELL_ESCAPED };

enum spelling spelling_of(const char *bytes, size_t size);

/* The inside of a JSON string. */
void text_inner(struct text *text, const char *bytes, size_t size, enum spelling spelling);

/* A JSON string, quotes included. */
void text_string(struct text *text, const char *bytes, size_t size);
