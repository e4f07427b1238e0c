/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared with user space; must match src/proctor/capture/kernel/abi.py. */
#pragma once

/* Set between open and load, constant afterwards. */
struct knobs {
	__u32 command_limit; /* longest record of a command, in bytes */
	__u32 text_limit; /* longest path within it */
	__u32 disk_limit;
	__u32 hooks; /* enum hook: which of the programs are there that a kernel may refuse */
	__u64 command_mark; /* bytes waiting in the ring that wake the reader at once */
	__u64 disk_mark;
	__u64 network_mark;
	__u64 mount_namespace; /* ours, as number of its inode */
	__u64 system_mount; /* number of the mount that holds /usr */
};

/* CONNECTIONS: destinations, by cgroups. STATES: of TCP sockets. POSTED: what a request to io_uring posts before
 * its end. */
enum hook { HOOK_CONNECTIONS = 1, HOOK_STATES = 2, HOOK_POSTED = 4 };

/* Daemons that start programs on behalf of others. */
enum daemon { DAEMON_NONE = 0, DAEMON_AT = 1, DAEMON_CRON = 2, DAEMON_MANAGER = 3, DAEMON_CONTAINERS = 4 };

/* One per task of a session; the first is written by user space, the others are inherited. Daemons and what
 * they have forked have one, too, of session 0: they are not recorded. */
struct task_state {
	__u32 session;
	__u32 kinds; /* bit RECORD_... of those that are wanted */
	__u64 cgroup; /* of the session; 0 when a task of it may be anywhere */
	__u8 delegation; /* as in record_header */
	__u8 daemon; /* of session 0: which */
	__u8 reported; /* what is pending is an event already, which says that the result is not known */
	__u8 begun; /* the pending connection is in progress: its result is seen at the socket */
	__u8 padding[4];
	__u64 socket; /* that what is pending is done to */
	struct endpoints pending;
};

/* What the list of members says of each thread. */
struct member {
	__u32 session;
	__u32 process; /* its number where the list is read */
	__u32 delegation; /* not 0: it acts for the session, and is no descendant */
};

/* A file, as long as it exists. */
struct place {
	__u64 inode;
	__u64 device;
};

/* What a session wants a daemon to do. */
struct job {
	__u32 session;
	__u32 kinds;
	__u32 delegation;
	__u32 daemon;
};

#define ORDER_BYTES 248
#define ANY_USER 0xffffffff

/* By what a daemon's child shows, when it executes a program, which job it does: a command, or the path of a
 * program; cut to fit, with zeros behind. */
struct order {
	__u32 daemon;
	__u32 uid;
	char text[ORDER_BYTES];
};

#define EVIDENCE_BYTES 512
#define MAX_DELEGATION 255

struct delegation {
	__u32 session;
	__u32 number; /* from 1; the last stands for all beyond */
};

/* Files and orders that one session may have the kernel keep, of each: no session fills the tables for others. */
#define SESSION_JOBS 1024

struct evidence {
	__u32 daemon;
	__u32 size;
	char text[EVIDENCE_BYTES];
};

#define PATTERNS 8
#define PATTERN_WORDS 4

/* A text matches when it has these bytes where the mask has ones. */
struct pattern {
	__u64 text[PATTERN_WORDS];
	__u64 mask[PATTERN_WORDS];
};

/* Filters of the configuration. */
struct rules {
	__u32 variable_count;
	__u32 noise_count;
	struct pattern variables[PATTERNS]; /* to record besides those of the dynamic linker */
	struct pattern noise[PATTERNS]; /* paths not to record when a program only reads there */
};

#define POLICY_RANGES 32

/* An address and what is in force there: IPv4 mapped into IPv6, the longest prefix counts. */
struct policy_key {
	__u32 prefix_length; /* of what follows, in bits */
	__u32 policy;
	__u8 address[16];
};

struct port_range {
	__u16 first;
	__u16 last; /* an unused range ends before it begins */
};

/* Where connections may go to. */
struct policy_ports {
	struct port_range tcp[POLICY_RANGES];
	struct port_range udp[POLICY_RANGES];
};

/* Objects of Proctor that are protected from sessions: processes, by number, and directories of cgroups, by inode. */
enum guard { GUARD_PROCESS = 0, GUARD_CGROUP = 1 };

struct guarded {
	__u32 guard;
	__u32 padding;
	__u64 number;
};

/* One per session and processor. seen = delivered + lost + filtered, when no record is being written, and
 * started = seen + unfinished, when no system call is on its way. started is counted where an attempt is known
 * first, unfinished where one is put aside until its end: a mistake in what lies between shows in the sums. */
struct tally {
	__u64 seen[RECORD_KINDS];
	__u64 lost[RECORD_KINDS];
	__u64 filtered[RECORD_KINDS];
	__u64 started[RECORD_KINDS];
	__s64 unfinished[RECORD_KINDS]; /* negative on a processor where more ended than were put aside */
	__s64 tasks; /* alive; negative on a processor where more ended than began */
};
