/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests to io_uring, which are done without a system call of their own: by the task that hands them in, by
 * its workers, or by a thread that polls for them. All of these are the session's. */
#include "lib/uring.bpf.h"

#include "lib/socket.bpf.h"

#include <bpf/bpf_tracing.h>

#define MAX_REQUESTS 2048
#define O_LARGEFILE 0100000
#define ACCEPT_MULTISHOT 1
#define CQE_BUFFER 1 /* the result is a size */
#define CQE_MORE 2
#define SILENT_SUCCESS (1 << 6) /* IOSQE_CQE_SKIP_SUCCESS: only a failure has an end that can be seen */

enum request {
	REQUEST_SENDMSG = 9,
	REQUEST_ACCEPT = 13,
	REQUEST_CONNECT = 16,
	REQUEST_OPENAT = 18,
	REQUEST_SEND = 26,
	REQUEST_OPENAT2 = 28,
	REQUEST_SOCKET = 45,
	REQUEST_SEND_ZC = 47,
	REQUEST_SENDMSG_ZC = 48,
	REQUEST_LISTEN = 57,
};

/* Names are gone when the request has ended. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_REQUESTS);
	__type(key, struct io_kiocb *);
	__type(value, struct requested_file);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct requested_file);
} request_scratch SEC(".maps");

/* Requests that accept connection after connection. What they post on the way names no request, but carries
 * their number, which is the caller's choice: several may have the same. */
struct number {
	struct io_ring_ctx *ring;
	__u64 user_data;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_REQUESTS);
	__type(key, struct number);
	__type(value, __u8);
} accepting SEC(".maps");

static __always_inline void keep(struct task_state *state, struct io_kiocb *request)
{
	struct syscall unseen = {.operation = OPENAT, .result = NO_DESCRIPTOR};
	struct io_open *open = (void *)request;
	__u32 zero = 0;
	struct requested_file *file = bpf_map_lookup_elem(&request_scratch, &zero);
	long size;

	if (!file)
		return;
	file->flags = field_of(open, how.flags) & ~O_LARGEFILE;
	size = bpf_probe_read_kernel_str(file->path, sizeof(file->path), field_of(open, filename, name));
	file->size = size > 0 ? size - 1 : 0;
	file->slot = field_of(open, file_slot);
	bpf_map_update_elem(&requests, &request, file, BPF_ANY);
	if (field_of(request, flags) & SILENT_SUCCESS)
		file_requested(state, &unseen, file);
}

static __always_inline void keep_number(struct io_kiocb *request)
{
	struct io_accept *accept = (void *)request;
	struct number number = {field_of(request, ctx), field_of(request, cqe.user_data)};
	__u8 known = 1;

	if (field_of(accept, iou_flags) & ACCEPT_MULTISHOT && !field_of(accept, file_slot))
		bpf_map_update_elem(&accepting, &number, &known, BPF_ANY);
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submitted, struct io_kiocb *request)
{
	struct task_state *state = state_of(current_task());
	__u8 opcode = request->opcode;

	if (state && wants(state, RECORD_DISK) && (opcode == REQUEST_OPENAT || opcode == REQUEST_OPENAT2))
		keep(state, request);
	else if (state && wants(state, RECORD_NETWORK) && opcode == REQUEST_ACCEPT)
		keep_number(request);
	return 0;
}

static __always_inline void opened(struct task_state *state, struct io_kiocb *request, int result)
{
	struct requested_file *file = bpf_map_lookup_elem(&requests, &request);
	struct syscall call = {.operation = OPENAT, .result = result};

	if (file && file->slot && result >= 0)
		call.result = NO_DESCRIPTOR;
	call.file = file_of(call.result);
	if (wants(state, RECORD_DISK))
		file_requested(state, &call, file);
	if (result >= 0 && wants(state, RECORD_TAMPER))
		guarded_file_opened(state, &call);
	bpf_map_delete_elem(&requests, &request);
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

static __always_inline void networked(struct task_state *state, struct io_kiocb *request, __u8 opcode, int result)
{
	struct syscall call = {.operation = operation_of(opcode), .result = result};
	struct io_accept *accept = (void *)request;
	struct io_socket *made = (void *)request;
	struct sock *sk = NULL;

	if (call.operation == ACCEPT && field_of(accept, file_slot))
		return;
	if (call.operation == SOCKET) {
		call.args[0] = field_of(made, domain);
		call.args[1] = field_of(made, type);
		call.args[2] = field_of(made, protocol);
	} else {
		sk = socket_in(field_of(request, file));
	}
	connection_requested(state, &call, sk);
}

/* The request has another type in other kernels; all of them call it the second argument. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_ended, void *ring, struct io_kiocb *request)
{
	struct task_state *state = state_of(current_task());
	__u8 opcode;
	int result;

	if (!state || !request)
		return 0;
	opcode = field_of(request, opcode);
	result = field_of(request, cqe.res);
	switch (opcode) {
	case REQUEST_OPENAT:
	case REQUEST_OPENAT2:
		opened(state, request, result);
		break;
	case REQUEST_SENDMSG:
	case REQUEST_ACCEPT:
	case REQUEST_CONNECT:
	case REQUEST_SEND:
	case REQUEST_SOCKET:
	case REQUEST_SEND_ZC:
	case REQUEST_SENDMSG_ZC:
	case REQUEST_LISTEN:
		networked(state, request, opcode, result);
	}
	return 0;
}

/* What a request posts before its end. Kernels that hand over the values, not the entry, refuse the program. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_posted, struct io_ring_ctx *ring, struct io_kiocb *request, struct io_uring_cqe *entry)
{
	struct task_state *state = state_of(current_task());
	struct syscall call = {.operation = ACCEPT};
	struct number number = {.ring = ring};

	if (!state || request)
		return 0;
	number.user_data = entry->user_data;
	call.result = entry->res;
	if ((entry->flags & (CQE_MORE | CQE_BUFFER)) == CQE_MORE && bpf_map_lookup_elem(&accepting, &number))
		connection_requested(state, &call, NULL);
	return 0;
}
