/* SPDX-License-Identifier: Apache-2.0 */
#include "uids.h"

#include <string.h>

/* The finaliser of MurmurHash3 (public domain, Austin Appleby). */
static uint64_t mixed(uint64_t value)
{
	value = (value ^ value >> 33) * 0xff51afd7ed558ccdULL;
	value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

uint64_t fingerprint(const struct value *uid)
{
	uint64_t found = uid->size;

	for (size_t at = 0; at < uid->size; at += 8) {
		size_t rest = uid->size - at;
		uint64_t part = 0;

		memcpy(&part, uid->bytes + at, rest < 8 ? rest : 8);
		found = mixed(found * 0x9e3779b97f4a7c15ULL ^ part);
	}
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
