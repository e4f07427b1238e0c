/* SPDX-License-Identifier: Apache-2.0 */
/* Written by `./run generate` from schema/events.toml; do not edit. */
#pragma once

/*
 * Each event has its fields in the order of their keys. COMMON: a field of every event of capture, OWN: one
 * of this event, TEXT: a constant field, SLOT: where the node puts what it knows. The formatter defines what
 * these do, so that a field without code that writes it does not compile.
 */

/* What the node knows, by the first key of each slot. */
enum { SLOT_CLUSTER_NAME, SLOT_EI, SLOT_LOGIN, SLOT_SERVER_HOSTNAME, SLOT_SID, SLOT_USER, SLOTS };

#define KEY_ACTION ",\"action\":"
#define KEY_ARGS ",\"args\":"
#define KEY_ARGV ",\"argv\":"
#define KEY_AUDIT_SESSION_ID ",\"audit_session_id\":"
#define KEY_BY_PID ",\"by_pid\":"
#define KEY_CGROUP ",\"cgroup\":"
#define KEY_CGROUP_ID ",\"cgroup_id\":"
#define KEY_CWD ",\"cwd\":"
#define KEY_CWD_STATE ",\"cwd_state\":"
#define KEY_DELEGATED ",\"delegated\":"
#define KEY_DETACHED ",\"detached\":"
#define KEY_DETAIL ",\"detail\":"
#define KEY_DEVICE ",\"device\":"
#define KEY_DST_ADDR ",\"dst_addr\":"
#define KEY_DST_PORT ",\"dst_port\":"
#define KEY_ENV ",\"env\":"
#define KEY_EXE ",\"exe\":"
#define KEY_EXE_DEVICE ",\"exe_device\":"
#define KEY_EXE_INODE ",\"exe_inode\":"
#define KEY_EXE_MOUNT_ID ",\"exe_mount_id\":"
#define KEY_EXE_STATE ",\"exe_state\":"
#define KEY_FLAGS ",\"flags\":"
#define KEY_INODE ",\"inode\":"
#define KEY_INTERPRETER ",\"interpreter\":"
#define KEY_LOADER ",\"loader\":"
#define KEY_MOUNT_ID ",\"mount_id\":"
#define KEY_OPERATION ",\"operation\":"
#define KEY_PATH ",\"path\":"
#define KEY_PATH_STATE ",\"path_state\":"
#define KEY_PID ",\"pid\":"
#define KEY_PPID ",\"ppid\":"
#define KEY_PROCESS_EUID ",\"process_euid\":"
#define KEY_PROCESS_UID ",\"process_uid\":"
#define KEY_PROGRAM ",\"program\":"
#define KEY_PROTOCOL ",\"protocol\":"
#define KEY_RETURN_CODE ",\"return_code\":"
#define KEY_SHA256 ",\"sha256\":"
#define KEY_SHA256_MISSING ",\"sha256_missing\":"
#define KEY_SRC_ADDR ",\"src_addr\":"
#define KEY_SRC_PORT ",\"src_port\":"
#define KEY_TARGET ",\"target\":"
#define KEY_TARGET_PID ",\"target_pid\":"
#define KEY_TECHNIQUE ",\"technique\":"
#define KEY_TIME ",\"time\":"
#define KEY_TRUNCATED ",\"truncated\":"
#define KEY_TTY ",\"tty\":"
#define KEY_UID ",\"uid\":"
#define KEY_UNRESOLVED ",\"unresolved\":"
#define KEY_VERSION ",\"version\":"
#define KEY_VIA ",\"via\":"

#define SESSION_COMMAND_FIELDS(COMMON, OWN, TEXT, SLOT) \
	OWN(args) \
	OWN(argv) \
	COMMON(audit_session_id) \
	COMMON(cgroup_id) \
	SLOT \
	TEXT(",\"code\":\"T4000I\"") \
	OWN(cwd) \
	OWN(cwd_state) \
	COMMON(delegated) \
	COMMON(detached) \
	SLOT \
	OWN(env) \
	TEXT(",\"event\":\"session.command\"") \
	OWN(exe) \
	OWN(exe_device) \
	OWN(exe_inode) \
	OWN(exe_mount_id) \
	OWN(exe_state) \
	OWN(interpreter) \
	OWN(loader) \
	SLOT \
	OWN(path) \
	COMMON(pid) \
	OWN(ppid) \
	COMMON(process_euid) \
	COMMON(process_uid) \
	COMMON(program) \
	OWN(return_code) \
	SLOT \
	OWN(sha256) \
	OWN(sha256_missing) \
	SLOT \
	COMMON(time) \
	COMMON(truncated) \
	OWN(tty) \
	COMMON(uid) \
	COMMON(unresolved) \
	SLOT \
	COMMON(via)

#define SESSION_DISK_FIELDS(COMMON, OWN, TEXT, SLOT) \
	COMMON(audit_session_id) \
	COMMON(cgroup_id) \
	SLOT \
	TEXT(",\"code\":\"T4001I\"") \
	COMMON(delegated) \
	COMMON(detached) \
	OWN(device) \
	SLOT \
	TEXT(",\"event\":\"session.disk\"") \
	OWN(flags) \
	OWN(inode) \
	SLOT \
	OWN(mount_id) \
	OWN(path) \
	OWN(path_state) \
	COMMON(pid) \
	COMMON(process_euid) \
	COMMON(process_uid) \
	COMMON(program) \
	OWN(return_code) \
	SLOT \
	SLOT \
	COMMON(time) \
	COMMON(truncated) \
	COMMON(uid) \
	COMMON(unresolved) \
	SLOT \
	COMMON(via)

#define SESSION_NETWORK_FIELDS(COMMON, OWN, TEXT, SLOT) \
	OWN(action) \
	COMMON(audit_session_id) \
	COMMON(cgroup_id) \
	SLOT \
	TEXT(",\"code\":\"T4002I\"") \
	COMMON(delegated) \
	COMMON(detached) \
	OWN(dst_addr) \
	OWN(dst_port) \
	SLOT \
	TEXT(",\"event\":\"session.network\"") \
	SLOT \
	OWN(operation) \
	COMMON(pid) \
	COMMON(process_euid) \
	COMMON(process_uid) \
	COMMON(program) \
	OWN(protocol) \
	OWN(return_code) \
	SLOT \
	SLOT \
	OWN(src_addr) \
	OWN(src_port) \
	COMMON(time) \
	COMMON(truncated) \
	COMMON(uid) \
	COMMON(unresolved) \
	SLOT \
	OWN(version) \
	COMMON(via)

#define SESSION_OUTCOME_FIELDS(COMMON, OWN, TEXT, SLOT) \
	OWN(action) \
	COMMON(audit_session_id) \
	COMMON(cgroup_id) \
	SLOT \
	TEXT(",\"code\":\"TP4907I\"") \
	COMMON(delegated) \
	COMMON(detached) \
	OWN(dst_addr) \
	OWN(dst_port) \
	SLOT \
	TEXT(",\"event\":\"session.outcome\"") \
	SLOT \
	COMMON(pid) \
	COMMON(process_euid) \
	COMMON(process_uid) \
	COMMON(program) \
	OWN(protocol) \
	OWN(return_code) \
	SLOT \
	SLOT \
	OWN(src_addr) \
	OWN(src_port) \
	COMMON(time) \
	COMMON(truncated) \
	COMMON(uid) \
	COMMON(unresolved) \
	SLOT \
	OWN(version) \
	COMMON(via)

#define SESSION_TAMPER_FIELDS(COMMON, OWN, TEXT, SLOT) \
	COMMON(audit_session_id) \
	COMMON(cgroup_id) \
	SLOT \
	TEXT(",\"code\":\"TP4903W\"") \
	COMMON(delegated) \
	COMMON(detached) \
	OWN(detail) \
	SLOT \
	TEXT(",\"event\":\"session.tamper\"") \
	SLOT \
	COMMON(pid) \
	COMMON(process_euid) \
	COMMON(process_uid) \
	COMMON(program) \
	OWN(return_code) \
	SLOT \
	SLOT \
	OWN(target) \
	OWN(target_pid) \
	OWN(technique) \
	COMMON(time) \
	COMMON(truncated) \
	COMMON(uid) \
	COMMON(unresolved) \
	SLOT \
	COMMON(via)

#define SESSION_ESCAPE_FIELDS(COMMON, OWN, TEXT, SLOT) \
	COMMON(audit_session_id) \
	OWN(by_pid) \
	OWN(cgroup) \
	COMMON(cgroup_id) \
	SLOT \
	TEXT(",\"code\":\"TP4904W\"") \
	COMMON(delegated) \
	COMMON(detached) \
	SLOT \
	TEXT(",\"event\":\"session.escape\"") \
	SLOT \
	COMMON(pid) \
	COMMON(process_euid) \
	COMMON(process_uid) \
	COMMON(program) \
	SLOT \
	SLOT \
	COMMON(time) \
	COMMON(truncated) \
	COMMON(uid) \
	COMMON(unresolved) \
	SLOT \
	COMMON(via)

/* Names of techniques. */
#define TECHNIQUE_NAMES \
	[TECHNIQUE_BPF] = "bpf", \
	[TECHNIQUE_PTRACE] = "ptrace", \
	[TECHNIQUE_VM_WRITE] = "vm_write", \
	[TECHNIQUE_VM_READ] = "vm_read", \
	[TECHNIQUE_PIDFD_GETFD] = "pidfd_getfd", \
	[TECHNIQUE_PROC_MEM] = "proc_mem", \
	[TECHNIQUE_SIGNAL] = "signal", \
	[TECHNIQUE_CGROUP] = "cgroup", \
	[TECHNIQUE_MODULE] = "module", \
	[TECHNIQUE_KEXEC] = "kexec", \
	[TECHNIQUE_PRELOAD] = "preload", \
	[TECHNIQUE_PERF] = "perf", \
	[TECHNIQUE_IO_URING] = "io_uring", \
	[TECHNIQUE_MOUNT] = "mount", \
	[TECHNIQUE_KERNEL_MEMORY] = "kernel_memory", \
	[TECHNIQUE_CLOCK] = "clock"
