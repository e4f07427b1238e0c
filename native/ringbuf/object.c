/* SPDX-License-Identifier: Apache-2.0 */
/* A BPF object: opened, given its knobs, loaded; and programs of it attached, one by one. */
#include "ringbuf.h"

#include "copies.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_BYTES 4096
#define LOG_STATISTICS 4 /* BPF_LOG_STATS of the kernel's bpf_verifier.h */

struct object {
	PyObject_HEAD
	struct bpf_object *bpf;
	char *logs; /* LOG_BYTES for each program, when they are wanted */
};

static PyTypeObject *object_type;

/* What libbpf complained of last: the name of the program that was refused is said nowhere else. */
static char complaint[512];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(complaint)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	if (!complaint[0] && (strstr(line, "failed to load: -") || strstr(line, "failed to create")))
		snprintf(complaint, sizeof(complaint), "%s", line);
	return 0;
}

static void object_free(struct object *self)
{
	PyTypeObject *type = Py_TYPE((PyObject *)self);

	if (self->bpf)
		bpf_object__close(self->bpf);
	PyMem_Free(self->logs);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *object_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	/* libbpf begins the names of .rodata and .bss with it, where it would take the name of the file. */
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "proctor");
	struct object *self;
	const char *path;

	if (!PyArg_ParseTuple(args, "s", &path))
		return NULL;
	self = (struct object *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
	if (!self)
		return NULL;
	self->bpf = bpf_object__open_file(path, &options);
	if (!self->bpf) {
		Py_DECREF((PyObject *)self);
		return os_error(errno, path);
	}
	return (PyObject *)self;
}

static struct bpf_map *find_map(struct object *self, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(self->bpf, name);

	if (!map)
		PyErr_SetString(PyExc_KeyError, name);
	return map;
}

static struct bpf_program *find_program(struct object *self, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(self->bpf, name);

	if (!program)
		PyErr_SetString(PyExc_KeyError, name);
	return program;
}

static PyObject *object_programs(struct object *self, PyObject *unused)
{
	PyObject *found = PyDict_New(), *section;
	struct bpf_program *program;

	bpf_object__for_each_program(program, self->bpf)
	{
		section = PyUnicode_FromString(bpf_program__section_name(program));
		if (!section || PyDict_SetItemString(found, bpf_program__name(program), section)) {
			Py_XDECREF(section);
			Py_DECREF(found);
			return NULL;
		}
		Py_DECREF(section);
	}
	return found;
}

static PyObject *object_resize(struct object *self, PyObject *args)
{
	struct bpf_map *map;
	const char *name;
	unsigned int entries;
	int error;

	if (!PyArg_ParseTuple(args, "sI", &name, &entries) || !(map = find_map(self, name)))
		return NULL;
	error = bpf_map__set_max_entries(map, entries);
	return error ? os_error(-error, name) : Py_NewRef(Py_None);
}

static PyObject *object_initialise(struct object *self, PyObject *args)
{
	struct bpf_map *map;
	const char *name, *value;
	Py_ssize_t size;
	int error;

	if (!PyArg_ParseTuple(args, "sy#", &name, &value, &size) || !(map = find_map(self, name)))
		return NULL;
	error = bpf_map__set_initial_value(map, value, size);
	return error ? os_error(-error, name) : Py_NewRef(Py_None);
}

static PyObject *object_select(struct object *self, PyObject *args)
{
	struct bpf_program *program;
	const char *name;
	int load;

	if (!PyArg_ParseTuple(args, "sp", &name, &load) || !(program = find_program(self, name)))
		return NULL;
	bpf_program__set_autoload(program, load);
	Py_RETURN_NONE;
}

static PyObject *object_measure(struct object *self, PyObject *unused)
{
	struct bpf_program *program;
	size_t programs = 0;
	char *log;

	bpf_object__for_each_program(program, self->bpf) programs++;
	log = self->logs = PyMem_Calloc(programs, LOG_BYTES);
	if (!log)
		return PyErr_NoMemory();
	bpf_object__for_each_program(program, self->bpf)
	{
		bpf_program__set_log_level(program, LOG_STATISTICS);
		bpf_program__set_log_buf(program, log, LOG_BYTES);
		log += LOG_BYTES;
	}
	Py_RETURN_NONE;
}

static PyObject *object_measures(struct object *self, PyObject *unused)
{
	PyObject *found = PyDict_New(), *measures;
	struct bpf_program *program;
	char *log = self->logs;

	bpf_object__for_each_program(program, self->bpf)
	{
		measures = log ? Py_BuildValue("(ns)", (Py_ssize_t)bpf_program__insn_cnt(program), log) : NULL;
		if (!measures || PyDict_SetItemString(found, bpf_program__name(program), measures)) {
			Py_XDECREF(measures);
			Py_DECREF(found);
			return PyErr_Occurred() ? NULL : os_error(EINVAL, "measures");
		}
		Py_DECREF(measures);
		log += LOG_BYTES;
	}
	return found;
}

static PyObject *object_load(struct object *self, PyObject *unused)
{
	int error;

	complaint[0] = 0;
	Py_BEGIN_ALLOW_THREADS error = bpf_object__load(self->bpf);
	Py_END_ALLOW_THREADS return error ? os_error(-error, complaint) : Py_NewRef(Py_None);
}

static PyObject *object_map(struct object *self, PyObject *args)
{
	struct bpf_map *map;
	const char *name;

	if (!PyArg_ParseTuple(args, "s", &name) || !(map = find_map(self, name)))
		return NULL;
	return PyLong_FromLong(bpf_map__fd(map));
}

static PyObject *object_program(struct object *self, PyObject *args)
{
	struct bpf_program *program;
	const char *name;

	if (!PyArg_ParseTuple(args, "s", &name) || !(program = find_program(self, name)))
		return NULL;
	return PyLong_FromLong(bpf_program__fd(program));
}

/* Of each map what it must have in common with one that takes its place. */
static PyObject *object_maps(struct object *self, PyObject *unused)
{
	PyObject *found = PyDict_New(), *shape;
	struct bpf_map *map;

	bpf_object__for_each_map(map, self->bpf)
	{
		shape = Py_BuildValue("(IIIII)", bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map),
							  bpf_map__max_entries(map), bpf_map__map_flags(map));
		if (!shape || PyDict_SetItemString(found, bpf_map__name(map), shape)) {
			Py_XDECREF(shape);
			Py_DECREF(found);
			return NULL;
		}
		Py_DECREF(shape);
	}
	return found;
}

static PyObject *object_reuse(struct object *self, PyObject *args)
{
	struct bpf_map *map;
	const char *name;
	int fd, error;

	if (!PyArg_ParseTuple(args, "si", &name, &fd) || !(map = find_map(self, name)))
		return NULL;
	error = bpf_map__reuse_fd(map, fd);
	return error ? os_error(-error, name) : Py_NewRef(Py_None);
}

static PyObject *object_copies(struct object *self, PyObject *args)
{
	struct bpf_program *program;
	PyObject *names, *found;
	const char *name;

	if (!PyArg_ParseTuple(args, "sO", &name, &names) || !(program = find_program(self, name)))
		return NULL;
	names = PySequence_List(names);
	found = names ? copies_of(program, self->bpf, names) : NULL;
	Py_XDECREF(names);
	return found;
}

/* What is attached stays on its hook as long as the descriptor returned, or a file that it is pinned to, exists. */
PyObject *attach(PyObject *module, PyObject *args)
{
	enum bpf_attach_type hook;
	enum bpf_prog_type type;
	const char *section;
	int program, target = 0, link;

	if (!PyArg_ParseTuple(args, "is|i", &program, &section, &target))
		return NULL;
	link = libbpf_prog_type_by_name(section, &type, &hook);
	if (link)
		return os_error(-link, section);
	link = bpf_link_create(program, target, hook, NULL);
	return link < 0 ? os_error(errno, section) : PyLong_FromLong(link);
}

static PyMethodDef object_methods[] = {
	{"programs", (PyCFunction)object_programs, METH_NOARGS, NULL},
	{"resize", (PyCFunction)object_resize, METH_VARARGS, NULL},
	{"initialise", (PyCFunction)object_initialise, METH_VARARGS, NULL},
	{"select", (PyCFunction)object_select, METH_VARARGS, NULL},
	{"measure", (PyCFunction)object_measure, METH_NOARGS, NULL},
	{"measures", (PyCFunction)object_measures, METH_NOARGS, NULL},
	{"load", (PyCFunction)object_load, METH_NOARGS, NULL},
	{"map", (PyCFunction)object_map, METH_VARARGS, NULL},
	{"program", (PyCFunction)object_program, METH_VARARGS, NULL},
	{"maps", (PyCFunction)object_maps, METH_NOARGS, NULL},
	{"reuse", (PyCFunction)object_reuse, METH_VARARGS, NULL},
	{"copies", (PyCFunction)object_copies, METH_VARARGS, NULL},
	{},
};

static PyType_Slot object_slots[] = {
	{Py_tp_new, object_new}, {Py_tp_dealloc, object_free}, {Py_tp_methods, object_methods}, {}};

static PyType_Spec object_spec = {.name = "proctor.capture._ringbuf.Object",
								  .basicsize = sizeof(struct object),
								  .flags = Py_TPFLAGS_DEFAULT,
								  .slots = object_slots};

int add_object_types(PyObject *module)
{
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(keep_complaint);
	return add_type(module, &object_spec, &object_type) || add_copy_type(module) ? -1 : 0;
}
