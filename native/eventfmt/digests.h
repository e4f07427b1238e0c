/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of executed files, as Python has found them. */
#pragma once

#include <stddef.h>

#include <linux/types.h>

#include "../../bpf/include/record.h"

#define DIGEST_TEXT 64

struct digest {
	struct file_identity file;
	char text[DIGEST_TEXT]; /* hexadecimal; shorter, with NUL behind it: why there is none */
};

/* In the order of their files' bytes. */
struct digests {
	const struct digest *entries;
	size_t count;
};

/* NULL for a file that is not among them. */
const char *digest_of(const struct digests *digests, const struct file_identity *file);
