/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a loaded program. */
#pragma once

#include "../support.h"

#include <bpf/libbpf.h>

/* A copy of the program for each of the kernel's functions that exists, by name; NULL with OSError set when
 * the kernel refuses one. */
PyObject *copies_of(const struct bpf_program *program, const struct bpf_object *object, PyObject *names);

int add_copy_type(PyObject *module);
