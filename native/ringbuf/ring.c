/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ring_map(struct ring *ring, int fd, size_t size)
{
	void *mapped;

	*ring = (struct ring){.fd = fd, .size = size, .page = sysconf(_SC_PAGESIZE)};
	mapped = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return errno;
	ring->consumer = mapped;
	mapped = mmap(NULL, ring->page + 2 * size, PROT_READ, MAP_SHARED, fd, ring->page);
	if (mapped == MAP_FAILED)
		return errno;
	ring->producer = mapped;
	return 0;
}

void ring_unmap(struct ring *ring)
{
	if (ring->consumer)
		munmap(ring->consumer, ring->page);
	if (ring->producer)
		munmap(ring->producer, ring->page + 2 * ring->size);
}

uint64_t ring_produced(const struct ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}

uint64_t ring_consumed(const struct ring *ring)
{
	return __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
}

static uint32_t header_at(const struct ring *ring, uint64_t position)
{
	const char *record = (char *)ring->producer + ring->page + (position & (ring->size - 1));

	return __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
}

int ring_has_finished(const struct ring *ring)
{
	uint64_t position = ring_consumed(ring);

	return position < ring_produced(ring) && !(header_at(ring, position) & BPF_RINGBUF_BUSY_BIT);
}

size_t ring_copy(const struct ring *ring, char *out, size_t capacity, uint64_t *end)
{
	const char *data = (char *)ring->producer + ring->page;
	uint64_t position = ring_consumed(ring);
	size_t used = 0;

	while (position < ring_produced(ring)) {
		const char *record = data + (position & (ring->size - 1));
		uint32_t header = header_at(ring, position);
		uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (header & BPF_RINGBUF_BUSY_BIT || used + sizeof(length) + length > capacity)
			break;
		if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
			memcpy(out + used, &length, sizeof(length));
			memcpy(out + used + sizeof(length), record + BPF_RINGBUF_HDR_SZ, length);
			used += sizeof(length) + length;
		}
		position += (length + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
	}
	*end = position;
	return used;
}

/* The position is stored with a full barrier before the ring is looked at again: the kernel wakes us only if
 * it sees that we have caught up. */
void ring_release(struct ring *ring, uint64_t position)
{
	__atomic_store_n(ring->consumer, position, __ATOMIC_SEQ_CST);
}
