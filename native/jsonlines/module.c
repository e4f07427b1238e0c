/* SPDX-License-Identifier: Apache-2.0 */
/* For src/proctor/model/stamp.py and uids.py. */
#include "../support.h"

#include "block.h"
#include "uids.h"

#include <stdlib.h>
#include <string.h>

static PyObject *texts(const struct value *members, size_t count)
{
	PyObject *tuple = PyTuple_New(count);

	for (size_t i = 0; tuple && i < count; i++) {
		PyObject *text = PyUnicode_DecodeUTF8(members[i].bytes, members[i].size, NULL);

		if (!text)
			Py_CLEAR(tuple);
		else
			PyTuple_SetItem(tuple, i, text);
	}
	return tuple;
}

static PyObject *scan(PyObject *module, PyObject *line)
{
	struct line found;
	Py_ssize_t size;
	char *bytes;

	if (PyBytes_AsStringAndSize(line, &bytes, &size))
		return NULL;
	if (!scan_line(bytes, size, &found))
		Py_RETURN_NONE;
	for (int i = 0; i < MEMBERS; i++)
		if (MANDATORY & 1u << i && !found.members[i].bytes)
			Py_RETURN_NONE;
	return texts((struct value[]){found.members[MEMBER_CLUSTER], found.members[MEMBER_CODE], found.members[MEMBER_EI],
								  found.members[MEMBER_EVENT], found.members[MEMBER_TIME], found.members[MEMBER_UID]},
				 6);
}

static PyObject *contexts(const struct block *block)
{
	PyObject *tuple = PyTuple_New(block->contexts_count);

	for (size_t i = 0; tuple && i < block->contexts_count; i++) {
		const struct context *context = &block->contexts[i];
		struct value all[CONTEXT_FIELDS + 2];
		PyObject *one;

		memcpy(all, context->values, sizeof(context->values));
		all[CONTEXT_FIELDS] = context->first;
		all[CONTEXT_FIELDS + 1] = context->last;
		one = texts(all, CONTEXT_FIELDS + 2);
		if (!one)
			Py_CLEAR(tuple);
		else
			PyTuple_SetItem(tuple, i, one);
	}
	return tuple;
}

static PyObject *described(const struct block *block)
{
	return Py_BuildValue("Ks#s#NNy#", (unsigned long long)block->lines, block->first.bytes,
						 (Py_ssize_t)block->first.size, block->last.bytes, (Py_ssize_t)block->last.size,
						 contexts(block), texts(block->clusters, block->clusters_count), (char *)block->uids,
						 (Py_ssize_t)(block->lines * sizeof(*block->uids)));
}

static size_t count(const char *lines, size_t size)
{
	size_t count = 0;

	for (const char *end = lines + size; (lines = memchr(lines, '\n', end - lines)); lines++)
		count++;
	return count;
}

static int take_key(struct uid_key *key, const char *bytes, Py_ssize_t size)
{
	if (size != sizeof(*key)) {
		PyErr_SetString(PyExc_ValueError, "a key has 16 bytes");
		return 0;
	}
	memcpy(key, bytes, sizeof(*key));
	return 1;
}

static PyObject *scan_lines(PyObject *module, PyObject *args)
{
	struct block block = {};
	unsigned long long longest, last_ei;
	PyObject *schema, *found = NULL;
	const char *lines, *key;
	Py_ssize_t size, key_size;
	int fit;

	if (!PyArg_ParseTuple(args, "y#KKOy#", &lines, &size, &longest, &last_ei, &schema, &key, &key_size))
		return NULL;
	if (!take_key(&block.key, key, key_size))
		return NULL;
	if (schema != Py_None && !(block.schema = PyCapsule_GetPointer(schema, NULL)))
		return NULL;
	block.longest = longest;
	block.last_ei = last_ei;
	block.uids = malloc(count(lines, size) * sizeof(*block.uids) + 1);
	if (!block.uids)
		return PyErr_NoMemory();
	Py_BEGIN_ALLOW_THREADS fit = scan_block(&block, lines, size);
	Py_END_ALLOW_THREADS if (fit && block.lines) found = described(&block);
	free(block.uids);
	if (found || PyErr_Occurred())
		return found;
	Py_RETURN_NONE;
}

static PyObject *count_lines(PyObject *module, PyObject *lines)
{
	Py_ssize_t size;
	size_t found;
	char *bytes;

	if (PyBytes_AsStringAndSize(lines, &bytes, &size))
		return NULL;
	Py_BEGIN_ALLOW_THREADS found = count(bytes, size);
	Py_END_ALLOW_THREADS return PyLong_FromSize_t(found);
}

static void free_schema(PyObject *capsule)
{
	struct schema *schema = PyCapsule_GetPointer(capsule, NULL);

	for (size_t i = 0; i < schema->count; i++) {
		free(schema->events[i].codes);
		free(schema->events[i].fields);
	}
	Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule));
	free(schema->events);
	free(schema);
}

static int take_event(struct event_schema *event, PyObject *described)
{
	PyObject *codes, *fields;
	Py_ssize_t size;

	if (!PyArg_ParseTuple(described, "y#O!O!", &event->name.bytes, &size, &PyTuple_Type, &codes, &PyTuple_Type,
						  &fields))
		return 0;
	event->name.size = size;
	event->codes_count = PyTuple_Size(codes);
	event->fields_count = PyTuple_Size(fields);
	event->codes = calloc(event->codes_count + 1, sizeof(*event->codes));
	event->fields = calloc(event->fields_count + 1, sizeof(*event->fields));
	if (!event->codes || !event->fields)
		return PyErr_NoMemory() != NULL;
	for (size_t i = 0; i < event->codes_count; i++) {
		if (PyBytes_AsStringAndSize(PyTuple_GetItem(codes, i), (char **)&event->codes[i].bytes, &size))
			return 0;
		event->codes[i].size = size;
	}
	for (size_t i = 0; i < event->fields_count; i++) {
		struct field *field = &event->fields[i];
		Py_ssize_t longest;

		if (!PyArg_ParseTuple(PyTuple_GetItem(fields, i), "y#yni", &field->name.bytes, &size, &field->type, &longest,
							  &field->required))
			return 0;
		field->name.size = size;
		field->longest = longest;
	}
	return 1;
}

/* ((event, (code, ...), ((field, type, longest, required), ...)), ...), all names bytes and in order. The capsule
 * keeps the tuple, whose bytes the schema points to. */
static PyObject *make_schema(PyObject *module, PyObject *events)
{
	struct schema *schema = calloc(1, sizeof(*schema));
	Py_ssize_t count = PyTuple_Size(events);
	PyObject *capsule;

	if (count < 0 || !schema || !(schema->events = calloc(count + 1, sizeof(*schema->events)))) {
		free(schema);
		return PyErr_Occurred() ? NULL : PyErr_NoMemory();
	}
	schema->count = count;
	capsule = PyCapsule_New(schema, NULL, free_schema);
	if (!capsule)
		return NULL;
	Py_INCREF(events);
	PyCapsule_SetContext(capsule, events);
	for (Py_ssize_t i = 0; i < count; i++)
		if (!take_event(&schema->events[i], PyTuple_GetItem(events, i))) {
			Py_DECREF(capsule);
			return NULL;
		}
	return capsule;
}

static PyObject *uid_fingerprint(PyObject *module, PyObject *args)
{
	Py_ssize_t size, key_size;
	struct uid_key key;
	struct value text;
	const char *bytes;
	uint64_t found;

	if (!PyArg_ParseTuple(args, "y#y#", &text.bytes, &size, &bytes, &key_size) || !take_key(&key, bytes, key_size))
		return NULL;
	text.size = size;
	found = fingerprint(&key, &text);
	return PyBytes_FromStringAndSize((char *)&found, sizeof(found));
}

/* Of a buffer that holds a table of fingerprints, and fingerprints to look for or to add; they are aligned. */
struct both {
	Py_buffer table, uids;
	uint64_t *slots;
	const uint64_t *first;
	size_t slots_count, uids_count;
};

static int take_both(struct both *both, PyObject *args)
{
	if (!PyArg_ParseTuple(args, "w*y*", &both->table, &both->uids))
		return 0;
	both->slots = both->table.buf;
	both->slots_count = both->table.len / sizeof(*both->slots);
	both->first = both->uids.buf;
	both->uids_count = both->uids.len / sizeof(*both->first);
	return 1;
}

static PyObject *give_back(struct both *both, size_t found)
{
	PyBuffer_Release(&both->table);
	PyBuffer_Release(&both->uids);
	return PyLong_FromSize_t(found);
}

static PyObject *count_known(PyObject *module, PyObject *args)
{
	struct both both;
	size_t known = 0;

	if (!take_both(&both, args))
		return NULL;
	for (size_t i = 0; i < both.uids_count; i++)
		known += is_among(both.slots, both.slots_count, both.first[i]);
	return give_back(&both, known);
}

static PyObject *add_uids(PyObject *module, PyObject *args)
{
	struct both both;
	size_t added = 0;

	if (!take_both(&both, args))
		return NULL;
	for (size_t i = 0; i < both.uids_count; i++)
		added += add_to(both.slots, both.slots_count, both.first[i]);
	return give_back(&both, added);
}

static PyMethodDef functions[] = {{"scan", scan, METH_O, NULL},
								  {"scan_lines", scan_lines, METH_VARARGS, NULL},
								  {"count_lines", count_lines, METH_O, NULL},
								  {"make_schema", make_schema, METH_O, NULL},
								  {"fingerprint", uid_fingerprint, METH_VARARGS, NULL},
								  {"count_known", count_known, METH_VARARGS, NULL},
								  {"add_uids", add_uids, METH_VARARGS, NULL},
								  {}};
static PyModuleDef_Slot slots[] = {{}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_jsonlines", .m_methods = functions,
								 .m_slots = slots};

PyMODINIT_FUNC PyInit__jsonlines(void)
{
	return PyModuleDef_Init(&definition);
}
