/* SPDX-License-Identifier: Apache-2.0 */
/* The reading end of a BPF ring buffer: records are copied out without the interpreter lock. */
#include "native.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct ring {
	PyObject_HEAD
	uint64_t *consumer; /* a page of ours */
	uint64_t *producer; /* a page of the kernel's, and the data twice in a row behind it */
	const char *data;
	size_t size, page;
};

static PyTypeObject *ring_type;

static void ring_free(struct ring *self)
{
	PyTypeObject *type = Py_TYPE((PyObject *)self);

	if (self->consumer)
		munmap(self->consumer, self->page);
	if (self->producer)
		munmap(self->producer, self->page + 2 * self->size);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *ring_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct ring *self;
	Py_ssize_t size;
	void *mapped;
	int fd;

	if (!PyArg_ParseTuple(args, "in", &fd, &size))
		return NULL;
	self = (struct ring *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
	if (!self)
		return NULL;
	self->size = size;
	self->page = sysconf(_SC_PAGESIZE);
	mapped = mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped != MAP_FAILED) {
		self->consumer = mapped;
		mapped = mmap(NULL, self->page + 2 * self->size, PROT_READ, MAP_SHARED, fd, self->page);
	}
	if (mapped == MAP_FAILED) {
		Py_DECREF((PyObject *)self);
		return os_error(errno, "mapping of a ring");
	}
	self->producer = mapped;
	self->data = (char *)mapped + self->page;
	return (PyObject *)self;
}

static uint64_t written(const struct ring *self)
{
	return __atomic_load_n(self->producer, __ATOMIC_ACQUIRE);
}

/* Copy whole records to out as 32-bit length and payload; returns the bytes used. Stops before a record
 * that is still being written or does not fit. The position is stored with a full barrier before the
 * next look at the ring: the kernel wakes us only if it sees that we have caught up. */
static size_t copy_records(struct ring *self, char *out, size_t room)
{
	uint64_t position = *self->consumer, end;
	size_t used = 0;

	while (position < (end = written(self))) {
		const char *record = self->data + (position & (self->size - 1));
		uint32_t header = __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);
		uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (header & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
			if (used + sizeof(length) + length > room)
				break;
			memcpy(out + used, &length, sizeof(length));
			memcpy(out + used + sizeof(length), record + BPF_RINGBUF_HDR_SZ, length);
			used += sizeof(length) + length;
		}
		position += (length + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
		__atomic_store_n(self->consumer, position, __ATOMIC_SEQ_CST);
	}
	return used;
}

static PyObject *ring_drain(struct ring *self, PyObject *args)
{
	size_t waiting = written(self) - *self->consumer, used;
	Py_ssize_t limit;
	PyObject *out;
	char *bytes;

	if (!PyArg_ParseTuple(args, "n", &limit))
		return NULL;
	if (waiting > (size_t)limit)
		waiting = limit;
	out = PyByteArray_FromStringAndSize(NULL, waiting);
	if (!out)
		return NULL;
	bytes = PyByteArray_AsString(out);
	Py_BEGIN_ALLOW_THREADS
	used = copy_records(self, bytes, waiting);
	Py_END_ALLOW_THREADS
	if (PyByteArray_Resize(out, used)) {
		Py_DECREF(out);
		return NULL;
	}
	return out;
}

static PyObject *ring_produced(struct ring *self, PyObject *unused)
{
	return PyLong_FromUnsignedLongLong(written(self));
}

static PyObject *ring_consumed(struct ring *self, PyObject *unused)
{
	return PyLong_FromUnsignedLongLong(*self->consumer);
}

static PyMethodDef ring_methods[] = {
	{"drain", (PyCFunction)ring_drain, METH_VARARGS, NULL},
	{"produced", (PyCFunction)ring_produced, METH_NOARGS, NULL},
	{"consumed", (PyCFunction)ring_consumed, METH_NOARGS, NULL},
	{},
};

static PyType_Slot ring_slots[] = {
	{Py_tp_new, ring_new}, {Py_tp_dealloc, ring_free}, {Py_tp_methods, ring_methods}, {}};

static PyType_Spec ring_spec = {
	.name = "proctor.bpf._native.Ring", .basicsize = sizeof(struct ring),
	.flags = Py_TPFLAGS_DEFAULT, .slots = ring_slots};

int add_ring_type(PyObject *module)
{
	return add_type(module, &ring_spec, &ring_type);
}
