/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the object once more for each function of the kernel, to run when that returns.
 *
 * A program at a tracepoint of (registers, result) finds the same two words in its context as one behind a
 * function long f(const struct pt_regs *), so that the instructions need not differ. */
#include "copies.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

struct copy {
	PyObject_HEAD
	int program;
};

/* Load attributes of the program that was loaded, and of its copies. */
struct original {
	const struct bpf_insn *instructions;
	size_t count;
	struct bpf_func_info *functions;
	__u32 function_count;
	int types;
};

static PyTypeObject *copy_type;

static void copy_free(struct copy *self)
{
	PyTypeObject *type = Py_TYPE((PyObject *)self);

	if (self->program >= 0)
		close(self->program);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static bool is_wide(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static bool is_reference(const struct bpf_insn *instruction)
{
	return (instruction->code == (BPF_JMP | BPF_CALL) && instruction->src_reg == BPF_PSEUDO_CALL) ||
		   (is_wide(instruction) && instruction->src_reg == BPF_PSEUDO_FUNC);
}

/* The kernel returns the offsets of functions after its own changes; the original ones follow from the calls. */
static int locate_functions(struct original *original)
{
	bool *starts = PyMem_Calloc(original->count, sizeof(*starts));
	__u32 found = 0;

	if (!starts)
		return -ENOMEM;
	starts[0] = true;
	for (size_t i = 0; i < original->count; i += 1 + is_wide(&original->instructions[i])) {
		__s64 target = (__s64)i + 1 + original->instructions[i].imm;

		if (is_reference(&original->instructions[i]) && target > 0 && (size_t)target < original->count)
			starts[target] = true;
	}
	for (size_t i = 0; i < original->count; i++)
		if (starts[i] && found++ < original->function_count)
			original->functions[found - 1].insn_off = i;
	PyMem_Free(starts);
	return found == original->function_count ? 0 : -EINVAL;
}

static int describe(struct original *original, const struct bpf_program *program, const struct bpf_object *object)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	original->instructions = bpf_program__insns(program);
	original->count = bpf_program__insn_cnt(program);
	original->types = bpf_object__btf_fd(object);
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return -errno;
	original->function_count = info.nr_func_info;
	original->functions = PyMem_Calloc(info.nr_func_info, sizeof(*original->functions));
	if (!original->functions)
		return -ENOMEM;
	memset(&info, 0, sizeof(info));
	info.nr_func_info = original->function_count;
	info.func_info_rec_size = sizeof(*original->functions);
	info.func_info = (__u64)original->functions;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return -errno;
	return locate_functions(original);
}

static int load(const struct original *original, __s32 function)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT, .attach_btf_id = function,
				.prog_btf_fd = original->types, .func_info = original->functions,
				.func_info_cnt = original->function_count, .func_info_rec_size = sizeof(*original->functions));

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "call_ended", "Dual BSD/GPL", original->instructions, original->count,
						 &options);
}

/* 0, also when the kernel has no such function; -1 with an exception set. */
static int add_copy(PyObject *found, const struct original *original, const struct btf *kernel, const char *name)
{
	__s32 function = btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC);
	struct copy *copy;
	int error;

	if (function < 0)
		return 0;
	copy = (struct copy *)((allocfunc)PyType_GetSlot(copy_type, Py_tp_alloc))(copy_type, 0);
	if (!copy)
		return -1;
	copy->program = load(original, function);
	if (copy->program < 0) {
		os_error(errno, name);
		error = -1;
	} else {
		error = PyDict_SetItemString(found, name, (PyObject *)copy);
	}
	Py_DECREF((PyObject *)copy);
	return error;
}

static int add_copies(PyObject *found, const struct original *original, const struct btf *kernel, PyObject *names)
{
	for (Py_ssize_t i = 0; i < PyList_Size(names); i++) {
		PyObject *name = PyUnicode_AsUTF8String(PyList_GetItem(names, i));
		int error = name ? add_copy(found, original, kernel, PyBytes_AsString(name)) : -1;

		Py_XDECREF(name);
		if (error)
			return error;
	}
	return 0;
}

PyObject *copies_of(const struct bpf_program *program, const struct bpf_object *object, PyObject *names)
{
	struct original original = {};
	struct btf *kernel = btf__load_vmlinux_btf();
	int error = kernel ? describe(&original, program, object) : -errno;
	PyObject *found = error ? os_error(-error, bpf_program__name(program)) : PyDict_New();

	if (found && add_copies(found, &original, kernel, names))
		Py_CLEAR(found);
	PyMem_Free(original.functions);
	btf__free(kernel);
	return found;
}

static PyObject *copy_fileno(struct copy *self, PyObject *unused)
{
	return PyLong_FromLong(self->program);
}

static PyMethodDef copy_methods[] = {
	{"fileno", (PyCFunction)copy_fileno, METH_NOARGS, NULL},
	{},
};

static PyType_Slot copy_slots[] = {{Py_tp_dealloc, copy_free}, {Py_tp_methods, copy_methods}, {}};

static PyType_Spec copy_spec = {.name = "proctor.capture._ringbuf.Copy",
								.basicsize = sizeof(struct copy),
								.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
								.slots = copy_slots};

int add_copy_type(PyObject *module)
{
	return add_type(module, &copy_spec, &copy_type);
}
