/* SPDX-License-Identifier: Apache-2.0 */
/* Times, addresses and names as events spell them; each returns the bytes written. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TIME_BYTES 40
#define ADDRESS_BYTES 40
#define FAMILY_4 2
#define FAMILY_6 10

/* An address; one that is mapped from IPv4 is what it stands for. */
struct address {
	uint16_t family;
	uint8_t bytes[16];
};

/* 0, or -1 for another family. */
int address_of(struct address *address, uint16_t family, const uint8_t *bytes);
/* Nothing for other families, whose version is 0. */
size_t spell_address(char *out, const struct address *address);
int version_of(const struct address *address);

/* Microseconds since 1970, rounded down to milliseconds. */
size_t spell_time(char *out, int64_t microseconds);
size_t spell_protocol(char *out, uint16_t family, uint16_t protocol);
