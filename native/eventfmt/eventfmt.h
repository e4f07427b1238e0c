/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the extension module that format events. */
#pragma once

#include "../support.h"

PyObject *format_records(PyObject *module, PyObject *args);
PyObject *executables(PyObject *module, PyObject *block);
PyObject *fill_slots(PyObject *module, PyObject *args);
