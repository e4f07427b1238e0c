/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the extension module. */
#pragma once

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

int add_object_types(PyObject *module);
int add_pump_type(PyObject *module);
PyObject *attach(PyObject *module, PyObject *args);
PyObject *format_records(PyObject *module, PyObject *args);
PyObject *executables(PyObject *module, PyObject *block);
PyObject *fill_slots(PyObject *module, PyObject *args);
int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type);

/* Set OSError from a positive errno; returns NULL. */
PyObject *os_error(int code, const char *what);
