/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that empties the rings into files as they fill, whatever the interpreter is busy with. It never
 * touches Python. What it has emptied waits in blocks, which outlive this process where the files do; beyond a
 * limit it leaves the rings to fill, and the kernel counts what does not fit. */
#include "ringbuf.h"

#include "blocks.h"
#include "ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NICE -15

struct block {
	struct block *next;
	uint64_t number;
	size_t size;
};

struct pump {
	PyObject_HEAD
	struct ring rings[MAX_RINGS];
	int count;
	int directory; /* of the blocks */
	uint64_t number; /* of the next block */
	size_t limit; /* bytes in blocks beyond which the rings are left alone */
	int batch_ms; /* how long records wait for company */
	int poller, kick, ready; /* epoll; eventfd that wakes the thread; eventfd that tells the reader */
	pthread_t thread;
	int running;
	int stopping; /* the rest is guarded by the lock */
	pthread_mutex_t lock;
	struct block *first, **last;
	size_t waiting; /* bytes in blocks */
	uint64_t pushed; /* blocks so far */
	uint64_t handed[MAX_RINGS]; /* position in each ring up to which blocks have it */
};

static PyTypeObject *pump_type;

static void signal_event(int fd)
{
	uint64_t one = 1;
	ssize_t written = write(fd, &one, sizeof(one));

	(void)written; /* fails only when the event is pending already */
}

static void clear_event(int fd)
{
	uint64_t value;
	ssize_t got = read(fd, &value, sizeof(value));

	(void)got; /* fails only when there was none */
}

static int is_urgent(const struct pump *pump)
{
	for (int i = 0; i < pump->count; i++)
		if (ring_produced(&pump->rings[i]) - ring_consumed(&pump->rings[i]) >= pump->rings[i].size / 4)
			return 1;
	return 0;
}

/* Everything that is finished in all rings; NULL when there is none, or no memory for it. */
static struct draft *collect(struct pump *pump)
{
	struct draft *draft;
	size_t capacity = 0;

	for (int i = 0; i < pump->count; i++)
		capacity += ring_produced(&pump->rings[i]) - ring_consumed(&pump->rings[i]);
	draft = capacity ? malloc(sizeof(*draft) + capacity) : NULL;
	if (!draft)
		return NULL;
	*draft = (struct draft){};
	for (int i = 0; i < pump->count; i++)
		draft->size +=
			ring_copy(&pump->rings[i], draft->bytes + draft->size, capacity - draft->size, &draft->header.ends[i]);
	return draft;
}

static int has_finished(const struct pump *pump)
{
	for (int i = 0; i < pump->count; i++)
		if (ring_has_finished(&pump->rings[i]))
			return 1;
	return 0;
}

static int has_capacity(struct pump *pump)
{
	int capacity;

	pthread_mutex_lock(&pump->lock);
	capacity = pump->waiting < pump->limit;
	pthread_mutex_unlock(&pump->lock);
	return capacity;
}

static void enqueue(struct pump *pump, struct block *block)
{
	*pump->last = block;
	pump->last = &block->next;
	pump->waiting += block->size;
	pump->pushed++;
}

/* Save what was collected, have the rings let go of it, and tell the reader; false when that is not possible. */
static int push(struct pump *pump, const struct draft *draft)
{
	struct block *block = draft->size ? calloc(1, sizeof(*block)) : NULL;

	if (draft->size && (!block || !draft_save(draft, pump->directory, pump->number))) {
		free(block);
		return 0;
	}
	for (int i = 0; i < pump->count; i++)
		ring_release(&pump->rings[i], draft->header.ends[i]);
	pthread_mutex_lock(&pump->lock);
	if (block) {
		block->number = pump->number++;
		block->size = draft->size;
		enqueue(pump, block);
	}
	memcpy(pump->handed, draft->header.ends, sizeof(pump->handed));
	pthread_mutex_unlock(&pump->lock);
	signal_event(pump->ready);
	return 1;
}

/* Returns whether the rings were emptied, rather than left alone at the limit of memory. Records that arrive while a
 * block is filled may not fit that block, hence the loop: the kernel never announces a record that stayed. */
static int empty_rings(struct pump *pump)
{
	struct draft *draft;
	int pushed = 1;

	while (pushed && has_capacity(pump) && has_finished(pump) && (draft = collect(pump))) {
		pushed = push(pump, draft);
		free(draft);
	}
	return !has_finished(pump);
}

static int is_stopping(struct pump *pump)
{
	int stopping;

	pthread_mutex_lock(&pump->lock);
	stopping = pump->stopping;
	pthread_mutex_unlock(&pump->lock);
	return stopping;
}

/* A ring holds what the kernel writes in milliseconds, so this thread must not queue behind busy programs.
 * It copies and sleeps again, hence real-time scheduling does no harm to others. */
static void be_prompt(void)
{
	struct sched_param parameter = {.sched_priority = 1};

	if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter))
		setpriority(PRIO_PROCESS, syscall(SYS_gettid), NICE);
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* For how long to listen; forever when there is no pause. */
static int left_of(int64_t end)
{
	int64_t left = end - milliseconds();

	return !end ? -1 : left > 0 ? left : 0;
}

/* Edges come when a ring that was caught up with gets a record, and when one is filling up. The first begins a
 * pause, in which others may come of other rings; a ring that fills and a kick cut it short. */
static void *run(void *argument)
{
	struct pump *pump = argument;
	struct epoll_event events[MAX_RINGS + 1];
	int64_t end = 0; /* of the pause */
	int kicked, number;

	be_prompt();
	while (!is_stopping(pump)) {
		number = epoll_wait(pump->poller, events, MAX_RINGS + 1, left_of(end));
		kicked = 0;
		for (int i = 0; i < number; i++)
			kicked |= events[i].data.fd == pump->kick;
		if (kicked)
			clear_event(pump->kick);
		if (!end)
			end = milliseconds() + pump->batch_ms;
		if (!kicked && !is_urgent(pump) && left_of(end))
			continue;
		end = empty_rings(pump) ? 0 : milliseconds() + pump->batch_ms;
	}
	return NULL;
}

static int listen_to(struct pump *pump, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(pump->poller, EPOLL_CTL_ADD, fd, &event) ? errno : 0;
}

static int start(struct pump *pump)
{
	int error = 0;

	pump->poller = epoll_create1(EPOLL_CLOEXEC);
	pump->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pump->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&pump->lock, NULL);
	if (pump->poller < 0 || pump->kick < 0 || pump->ready < 0)
		return errno;
	for (int i = 0; i < pump->count && !error; i++)
		error = listen_to(pump, pump->rings[i].fd, EPOLLIN | EPOLLET);
	if (!error)
		error = listen_to(pump, pump->kick, EPOLLIN);
	if (!error)
		error = pthread_create(&pump->thread, NULL, run, pump);
	pump->running = !error;
	return error;
}

static void stop(struct pump *pump)
{
	if (!pump->running)
		return;
	pthread_mutex_lock(&pump->lock);
	pump->stopping = 1;
	pthread_mutex_unlock(&pump->lock);
	signal_event(pump->kick);
	pthread_join(pump->thread, NULL);
	pump->running = 0;
}

static int read_rings(struct pump *pump, PyObject *rings)
{
	Py_ssize_t count = PySequence_Size(rings);
	int error = 0;

	if (count < 0)
		return -1;
	for (Py_ssize_t i = 0; i < count && i < MAX_RINGS; i++) {
		PyObject *item = PySequence_GetItem(rings, i);
		Py_ssize_t size;
		int fd, parsed = item && PyArg_ParseTuple(item, "in", &fd, &size);

		Py_XDECREF(item);
		if (!parsed)
			return -1;
		error = ring_map(&pump->rings[i], fd, size);
		pump->count = i + 1;
		if (error) {
			os_error(error, "mapping of a ring");
			return -1;
		}
	}
	return 0;
}

/* What a process before this one has left: number and size of each block, the oldest first. */
static int inherit_blocks(struct pump *pump, PyObject *blocks)
{
	Py_ssize_t count = PySequence_Size(blocks);

	for (Py_ssize_t i = 0; i < count; i++) {
		PyObject *item = PySequence_GetItem(blocks, i);
		struct block *block = calloc(1, sizeof(*block));
		unsigned long long number;
		Py_ssize_t size;
		int parsed = item && block && PyArg_ParseTuple(item, "Kn", &number, &size);

		Py_XDECREF(item);
		if (!parsed) {
			free(block);
			return PyErr_Occurred() ? -1 : (PyErr_NoMemory(), -1);
		}
		block->number = number;
		block->size = size;
		enqueue(pump, block);
	}
	return count < 0 ? -1 : 0;
}

/* Go on where the last block ends: whoever saved it may not have come to tell the rings. */
static void catch_up(struct pump *pump, const struct block_header *header, size_t size)
{
	for (int i = 0; i < pump->count && size == sizeof(*header); i++)
		if (header->ends[i] > ring_consumed(&pump->rings[i]))
			ring_release(&pump->rings[i], header->ends[i]);
	for (int i = 0; i < pump->count; i++)
		pump->handed[i] = ring_consumed(&pump->rings[i]);
}

static PyObject *pump_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct pump *pump = (struct pump *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
	PyObject *rings, *blocks;
	unsigned long long number;
	const char *header;
	Py_ssize_t limit, header_size;
	int directory, error;

	if (!pump)
		return NULL;
	pump->poller = pump->kick = pump->ready = pump->directory = -1;
	pump->last = &pump->first;
	if (!PyArg_ParseTuple(args, "OniiKOy#", &rings, &limit, &pump->batch_ms, &directory, &number, &blocks, &header,
						  &header_size) ||
		read_rings(pump, rings) || inherit_blocks(pump, blocks)) {
		Py_DECREF((PyObject *)pump);
		return NULL;
	}
	catch_up(pump, (const struct block_header *)header, header_size);
	pump->directory = dup(directory);
	pump->number = number;
	pump->limit = limit;
	error = pump->directory < 0 ? errno : start(pump);
	if (!error)
		return (PyObject *)pump;
	Py_DECREF((PyObject *)pump);
	return os_error(error, "start of the ring reader");
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void pump_free(struct pump *pump)
{
	PyTypeObject *type = Py_TYPE((PyObject *)pump);
	struct block *block;

	stop(pump);
	while ((block = pump->first)) {
		pump->first = block->next;
		free(block);
	}
	for (int i = 0; i < pump->count; i++)
		ring_unmap(&pump->rings[i]);
	close_fd(pump->poller);
	close_fd(pump->kick);
	close_fd(pump->ready);
	close_fd(pump->directory);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(pump);
	Py_DECREF(type);
}

static PyObject *pump_take(struct pump *pump, PyObject *unused)
{
	struct block *block;
	PyObject *bytes, *taken;

	pthread_mutex_lock(&pump->lock);
	block = pump->first;
	if (block) {
		pump->first = block->next;
		if (!pump->first)
			pump->last = &pump->first;
		pump->waiting -= block->size;
	}
	pthread_mutex_unlock(&pump->lock);
	if (!block)
		Py_RETURN_NONE;
	bytes = block_load(pump->directory, block->number, block->size);
	taken = bytes ? Py_BuildValue("(KN)", (unsigned long long)block->number, bytes) : NULL;
	free(block);
	return taken;
}

static PyObject *positions(const uint64_t *values, int count)
{
	PyObject *tuple = PyTuple_New(count);

	for (int i = 0; tuple && i < count; i++)
		PyTuple_SetItem(tuple, i, PyLong_FromUnsignedLongLong(values[i]));
	return tuple;
}

static PyObject *pump_produced(struct pump *pump, PyObject *unused)
{
	uint64_t values[MAX_RINGS];

	for (int i = 0; i < pump->count; i++)
		values[i] = ring_produced(&pump->rings[i]);
	return positions(values, pump->count);
}

static PyObject *pump_handed(struct pump *pump, PyObject *unused)
{
	uint64_t values[MAX_RINGS];

	pthread_mutex_lock(&pump->lock);
	memcpy(values, pump->handed, sizeof(values));
	pthread_mutex_unlock(&pump->lock);
	return positions(values, pump->count);
}

static PyObject *pump_pushed(struct pump *pump, PyObject *unused)
{
	uint64_t pushed;

	pthread_mutex_lock(&pump->lock);
	pushed = pump->pushed;
	pthread_mutex_unlock(&pump->lock);
	return PyLong_FromUnsignedLongLong(pushed);
}

static PyObject *pump_waiting(struct pump *pump, PyObject *unused)
{
	size_t waiting;

	pthread_mutex_lock(&pump->lock);
	waiting = pump->waiting;
	pthread_mutex_unlock(&pump->lock);
	return PyLong_FromSize_t(waiting);
}

static PyObject *pump_fileno(struct pump *pump, PyObject *unused)
{
	return PyLong_FromLong(pump->ready);
}

static PyObject *pump_clear(struct pump *pump, PyObject *unused)
{
	clear_event(pump->ready);
	Py_RETURN_NONE;
}

static PyObject *pump_kick(struct pump *pump, PyObject *unused)
{
	signal_event(pump->kick);
	Py_RETURN_NONE;
}

static PyObject *pump_stop(struct pump *pump, PyObject *unused)
{
	Py_BEGIN_ALLOW_THREADS stop(pump);
	Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyMethodDef pump_methods[] = {
	{"take", (PyCFunction)pump_take, METH_NOARGS, NULL},
	{"produced", (PyCFunction)pump_produced, METH_NOARGS, NULL},
	{"handed", (PyCFunction)pump_handed, METH_NOARGS, NULL},
	{"pushed", (PyCFunction)pump_pushed, METH_NOARGS, NULL},
	{"waiting", (PyCFunction)pump_waiting, METH_NOARGS, NULL},
	{"fileno", (PyCFunction)pump_fileno, METH_NOARGS, NULL},
	{"clear", (PyCFunction)pump_clear, METH_NOARGS, NULL},
	{"kick", (PyCFunction)pump_kick, METH_NOARGS, NULL},
	{"stop", (PyCFunction)pump_stop, METH_NOARGS, NULL},
	{},
};

static PyType_Slot pump_slots[] = {
	{Py_tp_new, pump_new}, {Py_tp_dealloc, pump_free}, {Py_tp_methods, pump_methods}, {}};

static PyType_Spec pump_spec = {.name = "proctor.capture._ringbuf.Pump",
								.basicsize = sizeof(struct pump),
								.flags = Py_TPFLAGS_DEFAULT,
								.slots = pump_slots};

int add_pump_type(PyObject *module)
{
	return add_type(module, &pump_spec, &pump_type);
}
