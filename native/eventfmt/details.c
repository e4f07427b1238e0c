/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "details.h"

#include <stdio.h>
#include <string.h>

#define SECOND 1000000LL
#define DAY 86400LL
#define GROUPS 8

int address_of(struct address *address, uint16_t family, const uint8_t *bytes)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*address = (struct address){.family = family};
	if (family != FAMILY_4 && family != FAMILY_6)
		return -1;
	if (family == FAMILY_6 && !memcmp(bytes, mapped, sizeof(mapped))) {
		address->family = FAMILY_4;
		bytes += sizeof(mapped);
	}
	memcpy(address->bytes, bytes, address->family == FAMILY_4 ? 4 : 16);
	return 0;
}

/* The longest run of zeros, the first of equals; *length is 0 when there is none of two or more. */
static int longest_gap(const uint16_t *groups, int *length)
{
	int best = 0;

	*length = 0;
	for (int start = 0, run = 0; start < GROUPS; start += run + 1) {
		for (run = 0; start + run < GROUPS && !groups[start + run]; run++)
			;
		if (run > 1 && run > *length) {
			best = start;
			*length = run;
		}
	}
	return best;
}

static size_t spell_address_6(char *out, const uint8_t *bytes)
{
	uint16_t groups[GROUPS];
	int length, gap;
	char *end = out;

	for (int i = 0; i < GROUPS; i++)
		groups[i] = bytes[2 * i] << 8 | bytes[2 * i + 1];
	gap = longest_gap(groups, &length);
	for (int i = 0; i < GROUPS; i++) {
		if (length && i == gap) {
			end = stpcpy(end, "::");
			i += length - 1;
		} else {
			end += sprintf(end, "%s%x", end > out && end[-1] != ':' ? ":" : "", groups[i]);
		}
	}
	return end - out;
}

size_t spell_address(char *out, const struct address *address)
{
	const uint8_t *bytes = address->bytes;

	if (address->family != FAMILY_4 && address->family != FAMILY_6)
		return 0;
	if (address->family == FAMILY_4)
		return sprintf(out, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
	return spell_address_6(out, bytes);
}

static char *spell_digits(char *out, unsigned int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		out[i] = '0' + value % 10;
	return out + digits;
}

/* Days since 1970 as a date. Years are counted from March, so that the leap day is their last. */
static char *spell_date(char *out, int64_t days)
{
	int64_t since = days + 719468, era = (since >= 0 ? since : since - 146096) / 146097;
	unsigned int day = since - era * 146097;
	unsigned int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned int of_year = day - (365 * year + year / 4 - year / 100);
	unsigned int month = (5 * of_year + 2) / 153;

	out = spell_digits(out, year + era * 400 + (month >= 10), 4);
	*out++ = '-';
	out = spell_digits(out, month < 10 ? month + 3 : month - 9, 2);
	*out++ = '-';
	return spell_digits(out, of_year - (153 * month + 2) / 5 + 1, 2);
}

static int64_t floor_of(int64_t value, int64_t unit)
{
	return value / unit - (value % unit < 0);
}

size_t spell_time(char *out, int64_t microseconds)
{
	int64_t seconds = floor_of(microseconds, SECOND), days = floor_of(seconds, DAY);
	unsigned int fraction = (microseconds - seconds * SECOND) / 1000, of_day = seconds - days * DAY;
	char *end = spell_date(out, days);

	*end++ = 'T';
	end = spell_digits(end, of_day / 3600, 2);
	*end++ = ':';
	end = spell_digits(end, of_day / 60 % 60, 2);
	*end++ = ':';
	end = spell_digits(end, of_day % 60, 2);
	if (fraction) {
		*end++ = '.';
		end = spell_digits(end, fraction, 3);
		while (end[-1] == '0')
			end--;
	}
	*end++ = 'Z';
	return end - out;
}

int version_of(const struct address *address)
{
	return address->family == FAMILY_4 ? 4 : address->family == FAMILY_6 ? 6 : 0;
}

size_t spell_protocol(char *out, uint16_t family, uint16_t protocol)
{
	static const char *const families[] = {[17] = "packet", [40] = "vsock", [44] = "xdp"};
	static const char *const names[] = {[1] = "icmp",	 [6] = "tcp",	 [17] = "udp",	   [33] = "dccp",
										[58] = "icmpv6", [132] = "sctp", [136] = "udplite"};

	if (family < sizeof(families) / sizeof(*families) && families[family])
		return stpcpy(out, families[family]) - out;
	if (protocol < sizeof(names) / sizeof(*names) && names[protocol])
		return stpcpy(out, names[protocol]) - out;
	return sprintf(out, "%u", protocol);
}
