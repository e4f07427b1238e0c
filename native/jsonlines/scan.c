/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define DEPTH 16

/* Each function moves at behind what it has found, or returns 0. */
struct scan {
	const unsigned char *at, *end;
	int depth;
};

static int is_value(struct scan *scan);

static int is_byte(struct scan *scan, unsigned char byte)
{
	if (scan->at == scan->end || *scan->at != byte)
		return 0;
	scan->at++;
	return 1;
}

static int is_digit(const struct scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static int is_digits(struct scan *scan)
{
	const unsigned char *first = scan->at;

	while (is_digit(scan))
		scan->at++;
	return scan->at > first;
}

static int is_number(struct scan *scan)
{
	is_byte(scan, '-');
	if (!is_byte(scan, '0') && !is_digits(scan))
		return 0;
	if (is_byte(scan, '.') && !is_digits(scan))
		return 0;
	if (!is_byte(scan, 'e') && !is_byte(scan, 'E'))
		return 1;
	if (!is_byte(scan, '+'))
		is_byte(scan, '-');
	return is_digits(scan);
}

static int is_literal(struct scan *scan, const char *literal)
{
	size_t size = strlen(literal);

	if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, literal, size))
		return 0;
	scan->at += size;
	return 1;
}

/*
 * What follows a backslash, in the one spelling that ours writes: searches compare bytes, and would not find
 * what is spelled otherwise.
 */
static int is_escape(struct scan *scan)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char code;

	if (scan->at == scan->end)
		return 0;
	if (*scan->at != 'u')
		return strchr("\"\\bfnrt", *scan->at++) && scan->at[-1];
	if (scan->end - scan->at < 5 || memcmp(scan->at, "u00", 3) || (scan->at[3] != '0' && scan->at[3] != '1') ||
		!scan->at[4] || !strchr(digits, scan->at[4]))
		return 0;
	code = (scan->at[3] - '0') << 4 | (strchr(digits, scan->at[4]) - digits);
	scan->at += 5;
	return !strchr("\b\f\n\r\t", code) || !code;
}

/* A character beyond ASCII. */
static int is_wide(struct scan *scan)
{
	unsigned char lead = *scan->at, low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	int length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;

	if (!length || scan->end - scan->at < length)
		return 0;
	for (int i = 1; i < length; i++, low = 0x80, high = 0xbf)
		if (scan->at[i] < low || scan->at[i] > high)
			return 0;
	scan->at += length;
	return 1;
}

/* Go on to what is not plain: a quote, a backslash, a control character, or what is beyond ASCII. */
static void skip_plain(struct scan *scan)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);

	for (; scan->end - scan->at >= 16; scan->at += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)scan->at);
		__m128i quoted = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
		/* As signed bytes, those beyond ASCII are below the space as well. */
		int special = _mm_movemask_epi8(_mm_or_si128(quoted, _mm_cmplt_epi8(bytes, space)));

		if (special) {
			scan->at += __builtin_ctz(special);
			return;
		}
	}
#endif
	while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\' && *scan->at >= 0x20 && *scan->at < 0x80)
		scan->at++;
}

/* text: left alone when the string has escapes. */
static int is_string(struct scan *scan, struct value *text)
{
	const unsigned char *first = scan->at + 1;
	int escapes = 0;

	if (!is_byte(scan, '"'))
		return 0;
	for (skip_plain(scan); scan->at < scan->end && *scan->at != '"'; skip_plain(scan)) {
		if (*scan->at == '\\') {
			scan->at++;
			escapes = 1;
			if (!is_escape(scan))
				return 0;
		} else if (*scan->at < 0x20 || !is_wide(scan)) {
			return 0;
		}
	}
	if (!escapes)
		*text = (struct value){(const char *)first, scan->at - first};
	return is_byte(scan, '"');
}

static int is_member(struct scan *scan, struct value *key)
{
	return is_string(scan, key) && is_byte(scan, ':');
}

static int is_array(struct scan *scan)
{
	if (is_byte(scan, ']'))
		return 1;
	do
		if (!is_value(scan))
			return 0;
	while (is_byte(scan, ','));
	return is_byte(scan, ']');
}

static int is_object(struct scan *scan)
{
	struct value key;

	if (is_byte(scan, '}'))
		return 1;
	do
		if (!is_member(scan, &key) || !is_value(scan))
			return 0;
	while (is_byte(scan, ','));
	return is_byte(scan, '}');
}

static int is_nested(struct scan *scan, int (*is_inside)(struct scan *))
{
	int found;

	scan->at++;
	if (scan->depth == DEPTH)
		return 0;
	scan->depth++;
	found = is_inside(scan);
	scan->depth--;
	return found;
}

static int is_value(struct scan *scan)
{
	struct value text;

	switch (scan->at < scan->end ? *scan->at : 0) {
	case '"': return is_string(scan, &text);
	case '{': return is_nested(scan, is_object);
	case '[': return is_nested(scan, is_array);
	case 't': return is_literal(scan, "true");
	case 'f': return is_literal(scan, "false");
	case 'n': return is_literal(scan, "null");
	default: return is_number(scan);
	}
}

int compare_values(const struct value *one, const struct value *other)
{
	int order = memcmp(one->bytes, other->bytes, one->size < other->size ? one->size : other->size);

	return order ? order : (one->size > other->size) - (one->size < other->size);
}

/* The member that is called key, if any; next is the first that may be: keys come in order. */
static int member_of(const struct value *key, int *next)
{
	static const struct value names[MEMBERS] = {[MEMBER_CLUSTER] = {"cluster_name", 12},
												[MEMBER_CODE] = {"code", 4},
												[MEMBER_EI] = {"ei", 2},
												[MEMBER_EVENT] = {"event", 5},
												[MEMBER_LOGIN] = {"login", 5},
												[MEMBER_NAMESPACE] = {"namespace", 9},
												[MEMBER_HOSTNAME] = {"server_hostname", 15},
												[MEMBER_SERVER] = {"server_id", 9},
												[MEMBER_SID] = {"sid", 3},
												[MEMBER_TIME] = {"time", 4},
												[MEMBER_UID] = {"uid", 3},
												[MEMBER_USER] = {"user", 4}};
	int order = 1;

	while (*next < MEMBERS && (order = compare_values(&names[*next], key)) < 0)
		++*next;
	return order ? MEMBERS : *next;
}

/* The value of a member is noted if it is of the right kind: ei a number, all others text. */
static int is_noted(struct scan *scan, struct line *line, int member)
{
	struct value *noted = &line->members[member], *whole = &line->pairs[line->count].value;
	int digits = is_digit(scan), fits;

	whole->bytes = (const char *)scan->at;
	if (member == MEMBERS)
		fits = is_value(scan);
	else if (member == MEMBER_EI)
		fits = digits && is_value(scan);
	else
		fits = is_string(scan, noted) && noted->bytes;
	whole->size = (const char *)scan->at - whole->bytes;
	if (member == MEMBER_EI)
		*noted = *whole;
	return fits;
}

int scan_line(const char *text, size_t size, struct line *line)
{
	struct scan scan = {.at = (const unsigned char *)text, .end = (const unsigned char *)text + size};
	struct value last = {"", 0};
	int next = 0;

	memset(line->members, 0, sizeof(line->members));
	line->count = 0;
	if (!is_byte(&scan, '{'))
		return 0;
	do {
		struct value *key = &line->pairs[line->count].key;

		*key = (struct value){};
		if (line->count == MOST_KEYS - 1 || !is_member(&scan, key) || !key->bytes || compare_values(&last, key) >= 0)
			return 0;
		last = *key;
		if (!is_noted(&scan, line, member_of(key, &next)))
			return 0;
		line->count++;
	} while (is_byte(&scan, ','));
	return is_byte(&scan, '}') && scan.at == scan.end;
}

/* Up to 18 digits: all of them fit into 64 bits. */
static int is_integer(struct scan *scan)
{
	const unsigned char *first;

	is_byte(scan, '-');
	first = scan->at;
	return is_digits(scan) && scan->at - first <= 18;
}

static int is_typed(struct scan *scan, const char *type);

static int are_typed(struct scan *scan, const char *type, int keys, unsigned char close)
{
	struct value key;

	scan->at++;
	if (is_byte(scan, close))
		return 1;
	do
		if ((keys && !is_member(scan, &key)) || !is_typed(scan, type))
			return 0;
	while (is_byte(scan, ','));
	return is_byte(scan, close);
}

static int is_typed(struct scan *scan, const char *type)
{
	unsigned char first = scan->at < scan->end ? *scan->at : 0;
	struct value text;

	switch (*type) {
	case 's': return is_string(scan, &text);
	case 'i': return is_integer(scan);
	case 'b': return is_literal(scan, first == 't' ? "true" : "false");
	case 'l': return first == '[' && are_typed(scan, type + 1, 0, ']');
	case 'm': return first == '{' && are_typed(scan, type + 1, 1, '}');
	case 'a': return is_value(scan);
	default: return 0;
	}
}

int is_of_type(const struct value *value, const char *type)
{
	struct scan scan = {.at = (const unsigned char *)value->bytes};

	scan.end = scan.at + value->size;
	return is_typed(&scan, type) && scan.at == scan.end;
}

int is_plain_text(const struct value *text)
{
	if (text->size < 2 || *text->bytes != '"')
		return 0;
	for (size_t i = 1; i < text->size - 1; i++)
		if (text->bytes[i] < 0x20 || text->bytes[i] == 0x7f || text->bytes[i] == '\\')
			return 0;
	return 1;
}
