/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_CAPACITY 4096
#define DIGITS 20

static const char hexadecimal[] = "0123456789abcdef";

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){};
}

/* Space for size more bytes: where they go, or NULL. */
static char *reserve(struct text *text, size_t size)
{
	size_t capacity = text->capacity ? text->capacity : LEAST_CAPACITY;
	char *grown;

	if (text->failed)
		return NULL;
	if (text->size + size <= text->capacity)
		return text->bytes + text->size;
	while (capacity < text->size + size)
		capacity *= 2;
	grown = realloc(text->bytes, capacity);
	if (!grown) {
		text->failed = 1;
		return NULL;
	}
	text->bytes = grown;
	text->capacity = capacity;
	return grown + text->size;
}

void text_add(struct text *text, const void *bytes, size_t size)
{
	char *end = size ? reserve(text, size) : NULL;

	if (!end)
		return;
	memcpy(end, bytes, size);
	text->size += size;
}

void text_number(struct text *text, uint64_t number)
{
	char digits[DIGITS], *first = digits + DIGITS;

	do {
		*--first = '0' + number % 10;
		number /= 10;
	} while (number);
	text_add(text, first, digits + DIGITS - first);
}

void text_signed(struct text *text, int64_t number)
{
	if (number < 0)
		text_literal(text, "-");
	text_number(text, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

/* Bytes of the UTF-8 sequence at the start of bytes; 0 when there is none. */
static size_t sequence(const unsigned char *bytes, size_t size)
{
	unsigned char lead = bytes[0], low = 0x80, high = 0xbf;
	size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;

	if (!length || length > size)
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf)
		if (bytes[i] < low || bytes[i] > high)
			return 0;
	return length;
}

static int is_hexadecimal(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

/* Is there a backslash, x and two digits, which escaping would make? */
static int looks_escaped(const char *bytes, size_t size)
{
	const char *at = bytes, *end = bytes + size;

	while (end - at >= 4 && (at = memchr(at, '\\', end - at - 3))) {
		if (at[1] == 'x' && is_hexadecimal(at[2]) && is_hexadecimal(at[3]))
			return 1;
		at++;
	}
	return 0;
}

enum spelling spelling_of(const char *bytes, size_t size)
{
	const unsigned char *raw = (const unsigned char *)bytes;
	int backslash = 0;

	for (size_t i = 0, length; i < size; i += length) {
		length = raw[i] < 0x80 ? 1 : sequence(raw + i, size - i);
		if (!length)
			return SPELL_ESCAPED;
		backslash |= raw[i] == '\\';
	}
	return backslash && looks_escaped(bytes, size) ? SPELL_ESCAPED : SPELL_PLAIN;
}

/* How many bytes from here on stand for themselves in a JSON string. */
static size_t ordinary(const unsigned char *bytes, size_t size)
{
	size_t i = 0;

	while (i < size && bytes[i] >= 0x20 && bytes[i] < 0x80 && bytes[i] != '"' && bytes[i] != '\\')
		i++;
	return i;
}

static void add_control(struct text *text, unsigned char byte)
{
	static const char named[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	char escape[] = {'\\', 'u', '0', '0', hexadecimal[byte >> 4], hexadecimal[byte & 15]};

	if (byte < sizeof(named) && named[byte]) {
		escape[1] = named[byte];
		text_add(text, escape, 2);
	} else {
		text_add(text, escape, sizeof(escape));
	}
}

static size_t add_special(struct text *text, const unsigned char *bytes, size_t size, enum spelling spelling)
{
	size_t length = sequence(bytes, size);

	if (!length) {
		char escape[] = {'\\', '\\', 'x', hexadecimal[*bytes >> 4], hexadecimal[*bytes & 15]};

		text_add(text, escape, sizeof(escape));
		return 1;
	}
	if (*bytes == '"')
		text_literal(text, "\\\"");
	else if (*bytes == '\\' && spelling == SPELL_ESCAPED)
		text_literal(text, "\\\\\\\\");
	else if (*bytes == '\\')
		text_literal(text, "\\\\");
	else if (*bytes < 0x20)
		add_control(text, *bytes);
	else
		text_add(text, bytes, length);
	return length;
}

void text_inner(struct text *text, const char *bytes, size_t size, enum spelling spelling)
{
	const unsigned char *raw = (const unsigned char *)bytes;

	while (size) {
		size_t length = ordinary(raw, size);

		text_add(text, raw, length);
		if (length < size)
			length += add_special(text, raw + length, size - length, spelling);
		raw += length;
		size -= length;
	}
}

void text_string(struct text *text, const char *bytes, size_t size)
{
	text_literal(text, "\"");
	if (ordinary((const unsigned char *)bytes, size) == size)
		text_add(text, bytes, size);
	else
		text_inner(text, bytes, size, spelling_of(bytes, size));
	text_literal(text, "\"");
}
