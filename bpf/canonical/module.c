/* SPDX-License-Identifier: Apache-2.0 */
/* For src/proctor/model/stamp.py. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "block.h"

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
	struct value members[MEMBERS] = {};
	Py_ssize_t size;
	char *bytes;

	if (PyBytes_AsStringAndSize(line, &bytes, &size))
		return NULL;
	if (!scan_line(bytes, size, members))
		Py_RETURN_NONE;
	for (int i = 0; i < MANDATORY; i++)
		if (!members[i].bytes)
			Py_RETURN_NONE;
	return texts(members, MANDATORY);
}

static PyObject *scan_lines(PyObject *module, PyObject *args)
{
	struct block block = {};
	unsigned long long longest, last_ei;
	const char *lines;
	Py_ssize_t size;
	int fit;

	if (!PyArg_ParseTuple(args, "y#KK", &lines, &size, &longest, &last_ei))
		return NULL;
	block.longest = longest;
	block.last_ei = last_ei;
	Py_BEGIN_ALLOW_THREADS
	fit = scan_block(&block, lines, size);
	Py_END_ALLOW_THREADS
	if (!fit || !block.lines)
		Py_RETURN_NONE;
	return Py_BuildValue("Ks#s#NNN", (unsigned long long)block.lines, block.first.bytes, (Py_ssize_t)block.first.size,
						 block.last.bytes, (Py_ssize_t)block.last.size, texts(block.events.values, block.events.count),
						 texts(block.servers.values, block.servers.count),
						 texts(block.clusters.values, block.clusters.count));
}

static PyObject *count_lines(PyObject *module, PyObject *lines)
{
	Py_ssize_t size, count = 0;
	char *bytes, *end;

	if (PyBytes_AsStringAndSize(lines, &bytes, &size))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	for (end = bytes + size; (bytes = memchr(bytes, '\n', end - bytes)); bytes++)
		count++;
	Py_END_ALLOW_THREADS
	return PyLong_FromSsize_t(count);
}

static PyMethodDef functions[] = {
	{"scan", scan, METH_O, NULL},
	{"scan_lines", scan_lines, METH_VARARGS, NULL},
	{"count_lines", count_lines, METH_O, NULL},
	{}};
static PyModuleDef_Slot slots[] = {{}};
static PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, .m_name = "_canonical", .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__canonical(void)
{
	return PyModuleDef_Init(&definition);
}
