/* SPDX-License-Identifier: Apache-2.0 */
/* Which files commands have executed, for Python. */
#include "eventfmt.h"

#include "command.h"
#include "sorter.h"

static int add_executable(PyObject *list, const struct record *record)
{
	struct record_header header;
	struct command command;
	PyObject *found;
	int error;

	if (record_header_of(record->bytes, record->size, &header) || header.kind != RECORD_COMMAND || header.result)
		return 0;
	if (read_command(record->bytes, record->size, &command) || !command.exe.inode)
		return 0;
	found = Py_BuildValue("y#Iy#K", &command.exe, (Py_ssize_t)sizeof(command.exe), header.pid,
						  command.texts[TEXT_EXE].bytes, (Py_ssize_t)command.texts[TEXT_EXE].size,
						  (unsigned long long)header.time);
	error = !found || PyList_Append(list, found);
	Py_XDECREF(found);
	return error;
}

/* A list of (identity of the file, process, path, time), one for each command in a block. */
PyObject *executables(PyObject *module, PyObject *block)
{
	PyObject *list = PyList_New(0);
	struct record record;
	Py_ssize_t size;
	size_t offset = 0;
	char *bytes;

	if (!list || PyBytes_AsStringAndSize(block, &bytes, &size)) {
		Py_XDECREF(list);
		return NULL;
	}
	while (!next_record(bytes, size, &offset, &record))
		if (add_executable(list, &record)) {
			Py_DECREF(list);
			return NULL;
		}
	return list;
}
