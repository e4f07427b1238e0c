/* SPDX-License-Identifier: Apache-2.0 */
/* The reading end of a BPF ring buffer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ring {
	int fd;
	size_t size, page;
	uint64_t *consumer; /* a page that is mapped writable */
	uint64_t *producer; /* a page of the kernel's, and the data twice in a row behind it */
};

/* Returns 0 or a positive errno; ring_unmap is to be called in either case. */
int ring_map(struct ring *ring, int fd, size_t size);
void ring_unmap(struct ring *ring);

uint64_t ring_produced(const struct ring *ring);
uint64_t ring_consumed(const struct ring *ring);

/* Is there a finished record? The kernel does not wake us for the next one until this one was taken. */
int ring_has_finished(const struct ring *ring);

/* Copy finished records to out, each as its 32-bit length and its bytes; returns the bytes used, and sets end to
 * the position behind the last. Stops before a record that is still being written or that does not fit.
 * They stay in the ring until its consumer position has moved past them. */
size_t ring_copy(const struct ring *ring, char *out, size_t capacity, uint64_t *end);
void ring_release(struct ring *ring, uint64_t position);
