/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of events for Python: made from records, and filled in. The interpreter is free meanwhile. */
#include "eventfmt.h"

#include "digests.h"
#include "lines.h"
#include "sorter.h"

#include <errno.h>
#include <string.h>

static PyObject *failure(int error, const char *what)
{
	if (error == ENOMEM)
		return PyErr_NoMemory();
	PyErr_SetString(PyExc_ValueError, what);
	return NULL;
}

/* Take over what Python tells: (uid prefix, number of its next event, detached, delegated). */
static int learn(struct group *group, PyObject *found)
{
	const char *prefix, *delegated;
	Py_ssize_t size, length;
	unsigned long long number;

	if (!PyArg_ParseTuple(found, "y#Kpy#", &prefix, &size, &number, &group->about.detached, &delegated, &length))
		return -1;
	if (size != UID_PREFIX) {
		PyErr_SetString(PyExc_ValueError, "the prefix of event names has the wrong length");
		return -1;
	}
	memcpy(group->about.uid, prefix, UID_PREFIX);
	group->about.number = number;
	text_add(&group->about.delegated, delegated, length);
	if (group->about.delegated.failed) {
		PyErr_NoMemory();
		return -1;
	}
	group->known = 1;
	return 0;
}

/* Ask Python for the owner of a session; None when it is unknown. */
static int ask(PyObject *find, const struct about *common, struct group *group)
{
	PyObject *found = PyObject_CallFunction(find, "Ii", group->session, group->delegation);
	int error = found == Py_None ? 0 : found ? learn(group, found) : -1;

	group->about.boot = common->boot;
	group->about.digests = common->digests;
	Py_XDECREF(found);
	return error;
}

static PyObject *numbers(const uint64_t *values, int count)
{
	PyObject *tuple = PyTuple_New(count);

	for (int i = 0; tuple && i < count; i++)
		PyTuple_SetItem(tuple, i, PyLong_FromUnsignedLongLong(values[i]));
	return tuple;
}

/* Empty for a text without memory, which the format y# would make None. */
static PyObject *text_bytes(const struct text *text)
{
	return PyBytes_FromStringAndSize(text->bytes, text->size);
}

static PyObject *group_tuple(const struct group *group)
{
	return Py_BuildValue("IiNNN", group->session, group->delegation, text_bytes(&group->lines),
						 numbers(group->delivered, RECORD_KINDS), numbers(group->undecodable, RECORD_KINDS));
}

static PyObject *groups_list(const struct sorter *sorter)
{
	PyObject *list = PyList_New(0);

	for (size_t i = 0; list && i < sorter->count; i++) {
		PyObject *tuple = sorter->groups[i].known ? group_tuple(&sorter->groups[i]) : NULL;

		if (sorter->groups[i].known && (!tuple || PyList_Append(list, tuple)))
			Py_CLEAR(list);
		Py_XDECREF(tuple);
	}
	return list;
}

static PyObject *sorted_lines(struct sorter *sorter, PyObject *find, const struct about *common)
{
	PyObject *groups;
	int error;

	for (size_t i = 0; i < sorter->count; i++)
		if (ask(find, common, &sorter->groups[i]))
			return NULL;
	Py_BEGIN_ALLOW_THREADS error = sorter_format(sorter);
	Py_END_ALLOW_THREADS if (error) return failure(error, "torn block of records");
	groups = groups_list(sorter);
	if (!groups)
		return NULL;
	return Py_BuildValue("nNKs", (Py_ssize_t)sorter->end, groups, (unsigned long long)sorter->undecoded,
						 sorter->complaint ? sorter->complaint : "");
}

PyObject *format_records(PyObject *module, PyObject *args)
{
	struct sorter sorter = {};
	PyObject *find, *block, *result = NULL;
	unsigned long long records, bytes;
	struct digests digests;
	struct about common = {.digests = &digests};
	Py_ssize_t first, size;
	long long boot;
	int error;

	if (!PyArg_ParseTuple(args, "SnKKLOy#", &block, &first, &records, &bytes, &boot, &find, &digests.entries, &size))
		return NULL;
	common.boot = boot;
	digests.count = size / sizeof(*digests.entries);
	sorter.block = PyBytes_AsString(block);
	sorter.size = PyBytes_Size(block);
	sorter.first = first;
	if (first < 0 || (size_t)first > sorter.size)
		return failure(EINVAL, "offset beyond a block of records");
	Py_BEGIN_ALLOW_THREADS error = sorter_find(&sorter, records, bytes);
	Py_END_ALLOW_THREADS if (error) failure(error, "torn block of records");
	else result = sorted_lines(&sorter, find, &common);
	sorter_free(&sorter);
	return result;
}

static int read_fragments(PyObject *tuple, struct fragment *fragments, int most)
{
	Py_ssize_t count = PyTuple_Size(tuple), size;

	if (count < 0 || count > most) {
		PyErr_SetString(PyExc_ValueError, "wrong number of fragments");
		return -1;
	}
	for (Py_ssize_t i = 0; i < count; i++) {
		char *bytes;

		if (PyBytes_AsStringAndSize(PyTuple_GetItem(tuple, i), &bytes, &size))
			return -1;
		fragments[i] = (struct fragment){bytes, size};
	}
	return count;
}

static PyObject *filled_tuple(const struct filling *filling)
{
	PyObject *parts = PyTuple_New(filling->kinds + 1);

	for (int i = 0; parts && i <= filling->kinds; i++)
		PyTuple_SetItem(parts, i, text_bytes(&filling->of[i]));
	return Py_BuildValue("NNNn", text_bytes(&filling->all), parts, numbers(filling->counts, filling->kinds + 1),
						 (Py_ssize_t)filling->longest);
}

PyObject *fill_slots(PyObject *module, PyObject *args)
{
	struct filling filling = {};
	PyObject *lines, *slots, *codes, *result = NULL;
	unsigned long long index;
	int error;

	if (!PyArg_ParseTuple(args, "SO!KO!", &lines, &PyTuple_Type, &slots, &index, &PyTuple_Type, &codes))
		return NULL;
	filling.index = index;
	if (read_fragments(slots, filling.slots, SLOTS) < 0)
		return NULL;
	filling.kinds = read_fragments(codes, filling.codes, MAX_KINDS);
	if (filling.kinds < 0)
		return NULL;
	Py_BEGIN_ALLOW_THREADS error = fill_lines(&filling, PyBytes_AsString(lines), PyBytes_Size(lines));
	Py_END_ALLOW_THREADS result = error ? failure(error, "not lines of events with slots") : filled_tuple(&filling);
	filling_free(&filling);
	return result;
}
