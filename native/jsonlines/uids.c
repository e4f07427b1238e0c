/* SPDX-License-Identifier: Apache-2.0 */
#include "uids.h"

#include <string.h>

static uint64_t rotated(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static void siphash_rounds(uint64_t *v, int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotated(v[1], 13) ^ v[0];
		v[3] = rotated(v[3], 16) ^ v[2];
		v[0] = rotated(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotated(v[1], 17) ^ v[2];
		v[3] = rotated(v[3], 21) ^ v[0];
		v[2] = rotated(v[2], 32);
	}
}

static void siphash_word(uint64_t *v, uint64_t word)
{
	v[3] ^= word;
	siphash_rounds(v, 2);
	v[0] ^= word;
}

/* SipHash-2-4 (Aumasson and Bernstein, INDOCRYPT 2012), on a little-endian machine. */
static uint64_t siphash(const struct uid_key *key, const char *bytes, size_t size)
{
	uint64_t v[4] = {key->words[0] ^ 0x736f6d6570736575ULL, key->words[1] ^ 0x646f72616e646f6dULL,
					 key->words[0] ^ 0x6c7967656e657261ULL, key->words[1] ^ 0x7465646279746573ULL};
	uint64_t word = 0;
	size_t at;

	for (at = 0; at + 8 <= size; at += 8) {
		memcpy(&word, bytes + at, 8);
		siphash_word(v, word);
	}
	word = 0;
	memcpy(&word, bytes + at, size - at);
	siphash_word(v, word | (uint64_t)size << 56);
	v[2] ^= 0xff;
	siphash_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t fingerprint(const struct uid_key *key, const struct value *uid)
{
	uint64_t found = siphash(key, uid->bytes, uid->size);

	return found ? found : 1;
}

static size_t slot_of(const uint64_t *table, size_t slots, uint64_t fingerprint)
{
	size_t slot = fingerprint & (slots - 1);

	for (size_t looked = 0; looked < slots && table[slot] && table[slot] != fingerprint; looked++)
		slot = (slot + 1) & (slots - 1);
	return slot;
}

int is_among(const uint64_t *table, size_t slots, uint64_t fingerprint)
{
	return table[slot_of(table, slots, fingerprint)] == fingerprint;
}

int add_to(uint64_t *table, size_t slots, uint64_t fingerprint)
{
	size_t slot = slot_of(table, slots, fingerprint);
	int added = table[slot] != fingerprint;

	table[slot] = fingerprint;
	return added;
}
