/* SPDX-License-Identifier: Apache-2.0 */
/* The Python headers with the limited API, and helpers for every extension module. */
#pragma once

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

/* Create the type of spec, store it in *type and add it to module; returns -1 with an exception set. */
int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type);

/* Set OSError from a positive errno; returns NULL. */
PyObject *os_error(int code, const char *what);
