/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel side hands to src/proctor/capture/kernel/abi.py; numbers are never reused. */
#pragma once

enum record_kind {
	RECORD_PROCESS = 0,
	RECORD_COMMAND = 1,
	RECORD_DISK = 2,
	RECORD_NETWORK = 3,
	RECORD_TAMPER = 4,
	RECORD_KINDS = 5
};

enum record_flags {
	CUT_PATH = 1 << 0, /* path is longer than what is here */
	CUT_ARGS = 1 << 1,
	CUT_ENV = 1 << 2,
	UNREADABLE = 1 << 3, /* user memory could not be read */
	DELETED = 1 << 4, /* the file has no name any more */
	VIA_IO_URING = 1 << 5,
	DETACHED = 1 << 6, /* the path begins at a mount that is not in the process's mount namespace */
	DETACHED_CWD = 1 << 7, /* the same of the working directory */
	UNRESOLVED = 1 << 8, /* the path is as given, or the other end is not known: nothing showed the result */
};

enum command_text {
	TEXT_PATH = 0,
	TEXT_EXE = 1,
	TEXT_CWD = 2,
	TEXT_INTERPRETER = 3,
	TEXT_TTY = 4,
	TEXT_ENV = 5,
	TEXT_LOADER = 6, /* the interpreter of the ELF file, as it is mapped */
	COMMAND_TEXTS = 7
};

/* What can blind or mislead the record; TECHNIQUE_ESCAPE is an event of its own. */
enum technique {
	TECHNIQUE_NONE = 0,
	TECHNIQUE_ESCAPE = 1,
	TECHNIQUE_BPF = 2,
	TECHNIQUE_PTRACE = 3,
	TECHNIQUE_VM_WRITE = 4,
	TECHNIQUE_VM_READ = 5,
	TECHNIQUE_PIDFD_GETFD = 6,
	TECHNIQUE_PROC_MEM = 7,
	TECHNIQUE_SIGNAL = 8,
	TECHNIQUE_CGROUP = 9,
	TECHNIQUE_MODULE = 10,
	TECHNIQUE_KEXEC = 11,
	TECHNIQUE_PRELOAD = 12,
	TECHNIQUE_PERF = 13,
	TECHNIQUE_IO_URING = 14,
	TECHNIQUE_MOUNT = 15,
	TECHNIQUE_KERNEL_MEMORY = 16,
	TECHNIQUE_CLOCK = 17,
};

/* OUTCOME: of a connection that was begun without waiting. SOCKET: one whose packets have no address to check. */
enum network_operation {
	OPERATION_NONE = 0,
	OPERATION_CONNECT = 1,
	OPERATION_SEND = 2,
	OPERATION_ACCEPT = 3,
	OPERATION_LISTEN = 4,
	OPERATION_OUTCOME = 5,
	OPERATION_SOCKET = 6,
};

struct record_header {
	__u64 time; /* CLOCK_MONOTONIC, nanoseconds */
	__u64 cgroup_id;
	__u32 session;
	__u8 kind;
	__u8 delegation; /* number of what shows that a daemon acts for the session, 0 for none */
	__u16 flags;
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__u32 euid;
	__u32 audit_session; /* ~0 when unset */
	__s32 result;
	char program[16];
};

/* Identity of a version of a file: any modification updates ctime. */
struct file_identity {
	__u64 inode; /* 0 for none */
	__u64 size;
	__s64 changed; /* seconds, of ctime, as in stat(2) */
	__u32 changed_ns;
	__u32 device; /* as the kernel has it: 12 bits of major number, 20 of minor */
};

struct command_record {
	struct record_header header;
	__u16 sizes[COMMAND_TEXTS]; /* texts follow in this order, then the arguments */
	__u16 padding;
	__u32 args; /* bytes of arguments here */
	__u32 mount; /* number of the mount that exe is on */
	__u64 args_total; /* bytes of arguments that the program got */
	struct file_identity exe;
};

struct disk_record {
	struct record_header header;
	__u32 open_flags;
	__u32 size; /* of the path that follows */
	__u64 inode; /* 0 when the file is not known */
	__u32 device; /* as in file_identity */
	__u32 mount; /* number of the mount that the file is on */
};

struct endpoints {
	__u16 operation;
	__u16 family;
	__u16 protocol;
	__u16 source_port;
	__u16 destination_port;
	__u16 denied; /* by the policy of the session */
	__u16 padding[2];
	__u8 source[16];
	__u8 destination[16];
};

struct network_record {
	struct record_header header;
	struct endpoints endpoints;
};

/* argument: what the technique says: a command of bpf, a request of ptrace, a signal, a cgroup's number. */
struct tamper_record {
	struct record_header header;
	__u64 argument;
	__u32 target; /* process that it was done to, 0 for none */
	__u16 technique;
	__u16 size; /* of the text that follows */
};
