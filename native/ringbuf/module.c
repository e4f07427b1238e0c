/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf for src/proctor/capture/kernel/loader.py: maps here, objects and rings in the other files. */
#include "ringbuf.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static PyObject *map_update(PyObject *module, PyObject *args)
{
	const char *key, *value;
	Py_ssize_t key_size, value_size;
	int fd;

	if (!PyArg_ParseTuple(args, "iy#y#", &fd, &key, &key_size, &value, &value_size))
		return NULL;
	if (bpf_map_update_elem(fd, key, value, BPF_ANY))
		return os_error(errno, "map update");
	Py_RETURN_NONE;
}

static PyObject *map_lookup(PyObject *module, PyObject *args)
{
	const char *key;
	Py_ssize_t key_size, value_size;
	PyObject *value;
	int fd;

	if (!PyArg_ParseTuple(args, "iy#n", &fd, &key, &key_size, &value_size))
		return NULL;
	value = PyBytes_FromStringAndSize(NULL, value_size);
	if (!value)
		return NULL;
	if (!bpf_map_lookup_elem(fd, key, PyBytes_AsString(value)))
		return value;
	Py_DECREF(value);
	if (errno != ENOENT)
		return os_error(errno, "map lookup");
	Py_RETURN_NONE;
}

static PyObject *map_delete(PyObject *module, PyObject *args)
{
	const char *key;
	Py_ssize_t key_size;
	int fd;

	if (!PyArg_ParseTuple(args, "iy#", &fd, &key, &key_size))
		return NULL;
	if (bpf_map_delete_elem(fd, key) && errno != ENOENT)
		return os_error(errno, "map delete");
	Py_RETURN_NONE;
}

#define MAX_KEYS (1 << 16)

/* The walk restarts where a key has been removed under it, hence the bound. */
static PyObject *map_keys(PyObject *module, PyObject *args)
{
	char key[256], *before = NULL;
	Py_ssize_t size;
	PyObject *keys;
	int fd;

	if (!PyArg_ParseTuple(args, "in", &fd, &size))
		return NULL;
	if (size < 1 || size > (Py_ssize_t)sizeof(key))
		return os_error(EINVAL, "map keys");
	keys = PyList_New(0);
	for (int i = 0; keys && i < MAX_KEYS && !bpf_map_get_next_key(fd, before, key); i++) {
		PyObject *found = PyBytes_FromStringAndSize(key, size);

		if (!found || PyList_Append(keys, found))
			Py_CLEAR(keys);
		Py_XDECREF(found);
		before = key;
	}
	return keys;
}

static PyObject *pin(PyObject *module, PyObject *args)
{
	const char *path;
	int fd;

	if (!PyArg_ParseTuple(args, "is", &fd, &path))
		return NULL;
	if (bpf_obj_pin(fd, path))
		return os_error(errno, path);
	Py_RETURN_NONE;
}

static PyObject *pinned(PyObject *module, PyObject *args)
{
	const char *path;
	int fd;

	if (!PyArg_ParseTuple(args, "s", &path))
		return NULL;
	fd = bpf_obj_get(path);
	return fd < 0 ? os_error(errno, path) : PyLong_FromLong(fd);
}

static PyObject *iterate(PyObject *module, PyObject *args)
{
	int link, fd;

	if (!PyArg_ParseTuple(args, "i", &link))
		return NULL;
	fd = bpf_iter_create(link);
	return fd < 0 ? os_error(errno, "iterator") : PyLong_FromLong(fd);
}

static PyObject *possible_cpus(PyObject *module, PyObject *unused)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 ? PyLong_FromLong(cpus) : os_error(-cpus, "processors");
}

static PyObject *missed_runs(PyObject *module, PyObject *args)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int fd;

	if (!PyArg_ParseTuple(args, "i", &fd))
		return NULL;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return os_error(errno, "program info");
	return PyLong_FromUnsignedLongLong(info.recursion_misses);
}

static PyMethodDef functions[] = {
	{"map_update", map_update, METH_VARARGS, NULL},
	{"map_lookup", map_lookup, METH_VARARGS, NULL},
	{"map_delete", map_delete, METH_VARARGS, NULL},
	{"map_keys", map_keys, METH_VARARGS, NULL},
	{"attach", attach, METH_VARARGS, NULL},
	{"pin", pin, METH_VARARGS, NULL},
	{"pinned", pinned, METH_VARARGS, NULL},
	{"iterate", iterate, METH_VARARGS, NULL},
	{"possible_cpus", possible_cpus, METH_NOARGS, NULL},
	{"missed_runs", missed_runs, METH_VARARGS, NULL},
	{},
};

static int execute(PyObject *module)
{
	return add_object_types(module) || add_pump_type(module) ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_ringbuf", .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__ringbuf(void)
{
	return PyModuleDef_Init(&definition);
}
