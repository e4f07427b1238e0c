/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the extension module for libbpf and ring buffers. */
#pragma once

#include "../support.h"

int add_object_types(PyObject *module);
int add_pump_type(PyObject *module);
PyObject *attach(PyObject *module, PyObject *args);
