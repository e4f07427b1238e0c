/* SPDX-License-Identifier: Apache-2.0 */
/* For src/proctor/model/stamp.py. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "scan.h"

static PyObject *values(const struct value members[MEMBERS])
{
	PyObject *tuple = PyTuple_New(MEMBERS);

	for (int i = 0; tuple && i < MEMBERS; i++) {
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
	for (int i = 0; i < MEMBERS; i++)
		if (!members[i].bytes)
			Py_RETURN_NONE;
	return values(members);
}

static PyMethodDef functions[] = {{"scan", scan, METH_O, NULL}, {}};
static PyModuleDef_Slot slots[] = {{}};
static PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, .m_name = "_canonical", .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__canonical(void)
{
	return PyModuleDef_Init(&definition);
}
