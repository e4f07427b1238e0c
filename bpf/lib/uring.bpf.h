/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What io_uring was asked to open, and what becomes of requests. */
#pragma once

#include "syscall.bpf.h"

#define REQUESTED_BYTES 1024
#define NO_DESCRIPTOR 0x7fffffff /* it went well, but there is no descriptor to see the file by */

struct requested_file {
	__u32 session;
	__u32 flags;
	__u32 size; /* of the path, as it was given */
	__u32 slot; /* of the ring's table, counted from 1, that is to hold the file rather than a descriptor; or 0 */
	int directory; /* a descriptor that the path begins at */
	char path[REQUESTED_BYTES];
};
