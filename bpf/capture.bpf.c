/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All concerns in one unit: where several declare a function of the kernel, libbpf's linker gives up (1.1). */
#include "command.bpf.c"
#include "delegation.bpf.c"
#include "disk.bpf.c"
#include "escape.bpf.c"
#include "network.bpf.c"
#include "process.bpf.c"
#include "request.bpf.c"
#include "security.bpf.c"
#include "sockets.bpf.c"
#include "syscall.bpf.c"
#include "tamper.bpf.c"
#include "uring.bpf.c"
