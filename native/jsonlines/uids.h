/* SPDX-License-Identifier: Apache-2.0 */
/* A set of 64-bit fingerprints of uids in memory that the caller provides: open addressing, 0 is an empty slot. */
#pragma once

#include "scan.h"

/* Secret and random: without it, hosts could choose uids that meet in one slot, or have one fingerprint. */
struct uid_key {
	uint64_t words[2];
};

/* Never 0. */
uint64_t fingerprint(const struct uid_key *key, const struct value *uid);

/* slots: a power of two. */
int is_among(const uint64_t *table, size_t slots, uint64_t fingerprint);

/* Returns 0 when it was there; the table must have an empty slot. */
int add_to(uint64_t *table, size_t slots, uint64_t fingerprint);
