/* The least that is needed to have one request done by io_uring. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
	struct io_uring_params params;
	struct io_uring_sqe *requests;
	char *queues;
	int fd;
};

static struct ring ring_of(unsigned flags)
{
	struct ring ring = {.params = {.flags = flags, .sq_thread_idle = 2000}};

	ring.fd = syscall(SYS_io_uring_setup, 4, &ring.params);
	ring.queues = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.requests = mmap(0, 1 << 12, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	return ring;
}

/* The request's result. */
static int submit(struct ring *ring, struct io_uring_sqe request)
{
	unsigned *wanted = (void *)(ring->queues + ring->params.sq_off.tail);
	unsigned *flags = (void *)(ring->queues + ring->params.sq_off.flags);
	unsigned *done = (void *)(ring->queues + ring->params.cq_off.tail);
	struct io_uring_cqe *results = (void *)(ring->queues + ring->params.cq_off.cqes);

	ring->requests[0] = request;
	__atomic_store_n(wanted, 1, __ATOMIC_SEQ_CST);
	if (!(ring->params.flags & IORING_SETUP_SQPOLL))
		syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
	while (!__atomic_load_n(done, __ATOMIC_SEQ_CST))
		if (__atomic_load_n(flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
			syscall(SYS_io_uring_enter, ring->fd, 1, 0, IORING_ENTER_SQ_WAKEUP, 0, 0);
	return results[0].res;
}
