/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

PyObject *os_error(int code, const char *what)
{
	PyObject *arguments = Py_BuildValue("(iss)", code, strerror(code), what);

	if (arguments) {
		PyErr_SetObject(PyExc_OSError, arguments);
		Py_DECREF(arguments);
	}
	return NULL;
}

int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type)
{
	*type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
	return *type ? PyModule_AddType(module, *type) : -1;
}
