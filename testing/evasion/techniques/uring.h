/* SPDX-License-Identifier: Apache-2.0 */
/* The least that is needed to have one request done by io_uring. */
#define _GNU_SOURCE
#include <arpa/inet.h>
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

#define UNTIL(condition) \
	for (int left_ = 5000; !(condition) && left_; left_--) \
		usleep(1000)
#define SILENT IOSQE_CQE_SKIP_SUCCESS

/* Hands in several requests at once; nothing tells the end of those that are SILENT. */
static int hand_in(struct ring *ring, const struct io_uring_sqe *requests, unsigned count)
{
	unsigned *tail = (void *)(ring->queues + ring->params.sq_off.tail), first = *tail;
	unsigned *head = (void *)(ring->queues + ring->params.sq_off.head);
	unsigned *order = (void *)(ring->queues + ring->params.sq_off.array);
	unsigned polls = ring->params.flags & IORING_SETUP_SQPOLL;

	for (unsigned i = 0; i < count; i++) {
		order[(first + i) % 4] = (first + i) % 4;
		ring->requests[(first + i) % 4] = requests[i];
	}
	__atomic_store_n(tail, first + count, __ATOMIC_SEQ_CST);
	syscall(SYS_io_uring_enter, ring->fd, polls ? 0 : count, 0, polls ? IORING_ENTER_SQ_WAKEUP : 0, 0, 0);
	UNTIL(__atomic_load_n(head, __ATOMIC_SEQ_CST) == first + count);
	return 0;
}

/* An empty table of files for the ring. */
static void slots_of(struct ring *ring)
{
	int slots[] = {-1, -1, -1, -1};

	syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, slots, 4);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}};
}

static struct sockaddr_in target(void)
{
	return loopback(atoi(getenv("PORT")));
}

static struct io_uring_sqe connect_to(int fd, struct sockaddr_in *to, unsigned flags)
{
	return (struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT, .flags = flags, .fd = fd, .addr = (long)to, .off = sizeof(*to)};
}

/* The port at one end of a socket, 0 for none: the other end's once it is connected. */
static int port_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in end = {};
	socklen_t size = sizeof(end);

	return name(fd, (void *)&end, &size) ? 0 : ntohs(end.sin_port);
}

/* A socket that listens, and one that has connected to it. */
static int server_with_client(void)
{
	struct sockaddr_in here = loopback(0);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	bind(server, (void *)&here, sizeof(here));
	listen(server, 4);
	here = loopback(port_of(server, getsockname));
	connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&here, sizeof(here));
	return server;
}

/* That the technique has worked. */
static int proven(void)
{
	return write(open("ran", O_WRONLY | O_CREAT | O_APPEND, 0666), "open-sesame", 11) < 0;
}
