/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests to io_uring, which are done without a system call of their own: by the task that hands them in, by
 * its workers, or by a thread that polls for them. All of these are the session's. */
#include "dispatch.bpf.h"

#include "lib/multishot_accept.bpf.h"
#include "lib/uring_file.bpf.h"
#include "lib/uring.bpf.h"
#include "lib/uring_write.bpf.h"

#include <bpf/bpf_tracing.h>

#define O_LARGEFILE 0100000
#define CQE_BUFFER 1 /* the result is a size */
#define CQE_MORE 2
#define SILENT_SUCCESS (1 << 6) /* IOSQE_CQE_SKIP_SUCCESS: only a failure has an end that can be seen */

enum request {
	REQUEST_ACCEPT = 13,
	REQUEST_CONNECT = 16,
	REQUEST_OPENAT = 18,
	REQUEST_OPENAT2 = 28,
	REQUEST_SOCKET = 45,
	REQUEST_LISTEN = 57,
};

/* Opens that have been handed in: names are gone when the request has ended. One that does not fit is reported
 * at once; one that never ends (of a chain that was broken off, silently) is unfinished in the tally. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_REQUESTS);
	__type(key, struct io_kiocb *);
	__type(value, struct requested_file);
} proctor_ioopen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct requested_file);
} proctor_iobuf SEC(".maps");

static __always_inline void save_open_request(struct task_state *state, struct io_kiocb *request)
{
	struct syscall unseen = {.operation = OPENAT, .result = NO_DESCRIPTOR};
	struct io_open *open = (void *)request;
	__u32 zero = 0;
	struct requested_file *file = bpf_map_lookup_elem(&proctor_iobuf, &zero);
	long size;

	if (!file)
		return;
	count_started(state->session, RECORD_DISK);
	file->session = state->session;
	file->flags = field_of(open, how.flags) & ~O_LARGEFILE;
	size = bpf_probe_read_kernel_str(file->path, sizeof(file->path), field_of(open, filename, name));
	file->size = size > 0 ? size - 1 : 0;
	file->slot = field_of(open, file_slot);
	file->directory = field_of(open, dfd);
	if (field_of(request, flags) & SILENT_SUCCESS || bpf_map_update_elem(&proctor_ioopen, &request, file, BPF_ANY))
		on_uring_file_opened(state, &unseen, file);
	else
		count_unfinished(state->session, RECORD_DISK, 1);
}

static __always_inline enum operation operation_of(__u8 opcode)
{
	switch (opcode) {
	case REQUEST_CONNECT: return CONNECT;
	case REQUEST_ACCEPT: return ACCEPT;
	case REQUEST_SOCKET: return SOCKET;
	case REQUEST_LISTEN: return LISTEN;
	default: return NOTHING;
	}
}

/* What a request says of its kind, as a system call would. */
static __always_inline void read_request(struct syscall *call, struct io_kiocb *request)
{
	struct io_connect *connect = (void *)request;
	struct io_socket *made = (void *)request;

	if (call->operation == SOCKET) {
		call->args[0] = field_of(made, domain);
		call->args[1] = field_of(made, type);
		call->args[2] = field_of(made, protocol);
	} else if (call->operation == CONNECT) {
		call->args[1] = (__u64)field_of(connect, addr);
		call->args[2] = field_of(connect, addr_len);
	}
}

/* Of a request for a connection, what has to be reported before its end. */
static __always_inline void on_uring_submit(struct task_state *state, struct io_kiocb *request, __u8 opcode)
{
	struct syscall call = {.operation = operation_of(opcode)};
	bool silent = field_of(request, flags) & SILENT_SUCCESS;

	if (call.operation == ACCEPT) {
		if (is_multishot(request))
			silent = !multishot_add(request);
		if (silent)
			on_uring_accept(state, requested_socket(request), NULL);
	} else if (silent && call.operation != NOTHING) {
		read_request(&call, request);
		on_uring_network_submit(state, &call, call.operation == SOCKET ? NULL : requested_socket(request));
	}
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(proctor_iosub, struct io_kiocb *request)
{
	struct task_state *state = session_task_state(current_task());
	struct syscall written = {};
	__u8 opcode = request->opcode;

	if (!state)
		return 0;
	if (read_written(&written, request, opcode)) {
		written.file = requested_file_struct(request);
		if (written.file)
			on_message_sent(state, &written);
	} else if (opcode == REQUEST_OPENAT || opcode == REQUEST_OPENAT2) {
		if (records_kind(state, RECORD_DISK))
			save_open_request(state, request);
	} else if (records_kind(state, RECORD_NETWORK)) {
		on_uring_submit(state, request, opcode);
	}
	return 0;
}

static __always_inline void on_uring_open_done(struct task_state *state, struct io_kiocb *request, int result)
{
	struct requested_file *file = bpf_map_lookup_elem(&proctor_ioopen, &request);
	struct io_open *open = (void *)request;
	struct syscall call = {.operation = OPENAT, .result = result};
	__u32 slot = field_of(open, file_slot);

	if (slot && result >= 0)
		call.result = NO_DESCRIPTOR;
	call.file = installed_file(request, slot, result);
	if (records_kind(state, RECORD_DISK)) {
		if (file && file->session == state->session)
			count_unfinished(state->session, RECORD_DISK, -1);
		else /* what was reported before its end has failed */
			count_started(state->session, RECORD_DISK);
		on_uring_file_opened(state, &call, file);
	}
	bpf_map_delete_elem(&proctor_ioopen, &request);
	if (result >= 0 && records_kind(state, RECORD_TAMPER))
		on_protected_file_opened(state, &call);
	if (result >= 0)
		on_job_file_opened(state, &call);
}

static __always_inline void on_uring_done(struct task_state *state, struct io_kiocb *request, __u8 opcode, int result)
{
	struct syscall call = {.operation = operation_of(opcode), .result = result};
	struct io_accept *accept = (void *)request;
	struct sock *sk = call.operation == SOCKET ? NULL : socket_of_file(field_of(request, file));

	if (call.operation != ACCEPT) {
		read_request(&call, request);
		on_uring_network_done(state, &call, sk);
		return;
	}
	if (is_multishot(request))
		multishot_remove(request);
	if (result >= 0 && records_kind(state, RECORD_NETWORK))
		on_uring_accept(state, sk, socket_of_file(installed_file(request, field_of(accept, file_slot), result)));
}

/* A request of a process that has ended is ended by a thread of the kernel. */
static __always_inline void on_uring_cancelled(struct io_kiocb *request)
{
	__u8 opcode;

	if (!(field_of(current_task(), flags) & PF_KTHREAD))
		return;
	opcode = field_of(request, opcode);
	if (opcode == REQUEST_OPENAT || opcode == REQUEST_OPENAT2)
		bpf_map_delete_elem(&proctor_ioopen, &request);
	else if (opcode == REQUEST_ACCEPT && is_multishot(request))
		multishot_remove(request);
}

/* The request has another type in other kernels; all of them call it the second argument. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(proctor_iodone, void *ring, struct io_kiocb *request)
{
	struct task_state *state = session_task_state(current_task());
	__u8 opcode;
	int result;

	if (!request)
		return 0;
	if (!state) {
		on_uring_cancelled(request);
		return 0;
	}
	opcode = field_of(request, opcode);
	result = field_of(request, cqe.res);
	switch (opcode) {
	case REQUEST_OPENAT:
	case REQUEST_OPENAT2: on_uring_open_done(state, request, result); break;
	case REQUEST_SENDMSG:
	case REQUEST_ACCEPT:
	case REQUEST_CONNECT:
	case REQUEST_SEND:
	case REQUEST_SOCKET:
	case REQUEST_SEND_ZC:
	case REQUEST_SENDMSG_ZC:
	case REQUEST_LISTEN: on_uring_done(state, request, opcode, result);
	}
	return 0;
}

/* What a request posts before its end. Kernels that hand over the values, not the entry, refuse the program. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(proctor_iopost, struct io_ring_ctx *ring, struct io_kiocb *request, struct io_uring_cqe *entry)
{
	struct task_state *state = session_task_state(current_task());
	struct number number = {.ring = ring};
	struct acceptance *acceptance;
	int result;

	if (!state || request || !records_kind(state, RECORD_NETWORK))
		return 0;
	number.user_data = entry->user_data;
	result = entry->res;
	if ((entry->flags & (CQE_MORE | CQE_BUFFER)) != CQE_MORE || result < 0)
		return 0;
	acceptance = bpf_map_lookup_elem(&proctor_accept, &number);
	if (acceptance)
		on_uring_accept(state, NULL,
						acceptance->slots ? socket_of_file(file_in_slot(ring, result)) : socket_of(result));
	return 0;
}
