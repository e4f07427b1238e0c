/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What io_uring is asked to write or to send, which may be a request to a daemon. */
#pragma once

#include "uring_file.bpf.h"

#define UNKNOWN_SIZE 4096 /* of a message in pieces */

enum write_request {
	REQUEST_WRITEV = 2,
	REQUEST_WRITE_FIXED = 5,
	REQUEST_SENDMSG = 9,
	REQUEST_WRITE = 23,
	REQUEST_SEND = 26,
	REQUEST_SEND_ZC = 47,
	REQUEST_SENDMSG_ZC = 48,
};

/* The request as a system call that has succeeded; false for one that writes nothing. */
static __always_inline bool read_written(struct syscall *call, struct io_kiocb *request, __u8 opcode)
{
	struct io_sr_msg *message = (void *)request;
	struct io_rw *rw = (void *)request;

	call->result = UNKNOWN_SIZE;
	switch (opcode) {
	case REQUEST_WRITE:
	case REQUEST_WRITE_FIXED:
	case REQUEST_WRITEV:
		call->operation = opcode == REQUEST_WRITEV ? WRITEV : WRITE;
		call->args[1] = field_of(rw, addr);
		call->args[2] = field_of(rw, len);
		break;
	case REQUEST_SEND:
	case REQUEST_SEND_ZC:
		call->operation = SENDTO;
		call->args[1] = (__u64)field_of(message, buf);
		call->args[2] = field_of(message, len);
		break;
	case REQUEST_SENDMSG:
	case REQUEST_SENDMSG_ZC:
		call->operation = SENDMSG;
		call->args[1] = (__u64)field_of(message, buf);
		return true;
	default: return false;
	}
	if (call->operation != WRITEV)
		call->result = call->args[2];
	return true;
}
