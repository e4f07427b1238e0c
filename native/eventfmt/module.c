/* SPDX-License-Identifier: Apache-2.0 */
/* For src/proctor/capture/kernel/formatter.py and src/proctor/captureproto/event_lines.py. */
#include "eventfmt.h"

static PyMethodDef functions[] = {
	{"format_records", format_records, METH_VARARGS, NULL},
	{"executables", executables, METH_O, NULL},
	{"fill_slots", fill_slots, METH_VARARGS, NULL},
	{},
};

static PyModuleDef_Slot slots[] = {{}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_eventfmt", .m_methods = functions,
								 .m_slots = slots};

PyMODINIT_FUNC PyInit__eventfmt(void)
{
	return PyModuleDef_Init(&definition);
}
