// SPDX-License-Identifier: Apache-2.0
// Written by `./run generate` from schema/events.toml; do not edit.
import type { Phrases, Texts } from "./sentences";

/** A person logged in, or failed to. */
export interface UserLogin {
  "addr.remote"?: string;
  "attempts"?: number;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "error"?: string;
  "event": "user.login";
  "login"?: string;
  "message"?: string;
  "method"?: string;
  "mfa_device"?: Record<string, string>;
  "success": boolean;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_agent"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A user was created. */
export interface UserCreate {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "connector"?: string;
  "ei": number;
  "event": "user.create";
  "expires": string;
  "name"?: string;
  "roles"?: string[];
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A user was changed. */
export interface UserUpdate {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "connector"?: string;
  "ei": number;
  "event": "user.update";
  "expires": string;
  "name"?: string;
  "roles"?: string[];
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A user was removed. */
export interface UserDelete {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "user.delete";
  "expires": string;
  "name"?: string;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A person set a password. */
export interface UserPasswordChange {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "user.password_change";
  "login"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A second factor was registered. */
export interface MfaAdd {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "mfa.add";
  "login"?: string;
  "mfa_device_name"?: string;
  "mfa_device_type"?: string;
  "mfa_device_uuid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A one-time invite or reset link was made. */
export interface ResetPasswordTokenCreate {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "reset_password_token.create";
  "expires": string;
  "name"?: string;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A certificate was issued to a person, or to a host. */
export interface CertCreate {
  "cert_type": string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "cert.create";
  "identity"?: Record<string, unknown>;
  "serial"?: string;
  "time": string;
  "uid": string;
}

/** A lock was put in force. */
export interface LockCreated {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "lock.created";
  "expires": string;
  "message"?: string;
  "name"?: string;
  "target"?: Record<string, string>;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A lock was lifted. */
export interface LockDeleted {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "lock.deleted";
  "expires": string;
  "name"?: string;
  "target"?: Record<string, string>;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A join token was made; `name` is masked. */
export interface JoinTokenCreate {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "join_token.create";
  "expires": string;
  "join_method"?: string;
  "name"?: string;
  "roles"?: string[];
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A join token was revoked. */
export interface JoinTokenDelete {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "join_token.delete";
  "expires": string;
  "name"?: string;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A host joined the cluster, or was refused. */
export interface InstanceJoin {
  "addr.remote"?: string;
  "attempts"?: number;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "error"?: string;
  "event": "instance.join";
  "host_id"?: string;
  "method"?: string;
  "node_name"?: string;
  "role"?: string;
  "success": boolean;
  "time": string;
  "token_name"?: string;
  "uid": string;
}

/** A role was created. */
export interface RoleCreated {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "role.created";
  "expires": string;
  "name"?: string;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A role was changed. */
export interface RoleUpdated {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "role.updated";
  "expires": string;
  "name"?: string;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** A role was removed. */
export interface RoleDeleted {
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "role.deleted";
  "expires": string;
  "name"?: string;
  "time": string;
  "ttl"?: string;
  "uid": string;
  "updated_by"?: string;
  "user"?: string;
}

/** An SSH login was refused. */
export interface AuthAttempt {
  "addr.local"?: string;
  "addr.remote"?: string;
  "attempts"?: number;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "error"?: string;
  "event": "auth";
  "login"?: string;
  "message"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "success": boolean;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A session was refused although the login was accepted. */
export interface SessionRejected {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.rejected";
  "login"?: string;
  "max"?: number;
  "namespace"?: string;
  "proto"?: string;
  "reason"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A session began. */
export interface SessionStart {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.start";
  "initial_command"?: string[];
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "session_recording"?: string;
  "sid"?: string;
  "size"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A user has logged in and started this session, as user and host have signed; the first event of each. */
export interface SessionAttestation {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.attestation";
  "host_certificate": string;
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "signature": string;
  "statement": string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** The terminal changed its size. */
export interface Resize {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "resize";
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "size"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A person left a session. */
export interface SessionLeave {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.leave";
  "login"?: string;
  "namespace"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A session ended. */
export interface SessionEnd {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "enhanced_recording": boolean;
  "event": "session.end";
  "initial_command"?: string[];
  "interactive": boolean;
  "login"?: string;
  "namespace"?: string;
  "participants": string[];
  "proto"?: string;
  "reason"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "session_recording"?: string;
  "session_start"?: string;
  "session_stop"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** Bytes that the connection of a session carried. */
export interface SessionData {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.data";
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "rx": number;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "tx": number;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A recording is complete in the archive. */
export interface SessionUpload {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.upload";
  "sid"?: string;
  "time": string;
  "uid": string;
  "url"?: string;
}

/** A person read a recording. */
export interface SessionRecordingAccess {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.recording.access";
  "format"?: string;
  "login"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** An SSH subsystem was requested. */
export interface Subsystem {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "subsystem";
  "exitError"?: string;
  "login"?: string;
  "name"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A command was run without a shell session. */
export interface Exec {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "command"?: string;
  "ei": number;
  "event": "exec";
  "exitCode": string;
  "exitError"?: string;
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A file was copied with the old scp protocol. */
export interface Scp {
  "action"?: "download" | "upload";
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "command"?: string;
  "ei": number;
  "event": "scp";
  "exitCode": string;
  "exitError"?: string;
  "login"?: string;
  "namespace"?: string;
  "path"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** One file operation over SFTP. */
export interface Sftp {
  "action": number;
  "addr.local"?: string;
  "addr.remote"?: string;
  "attributes"?: Record<string, unknown>;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "error"?: string;
  "event": "sftp";
  "flags"?: number;
  "login"?: string;
  "namespace"?: string;
  "path"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "target_path"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
  "working_directory"?: string;
}

/** What a file transfer moved in all. */
export interface SftpSummary {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "sftp_summary";
  "file_transfer_stats"?: Record<string, unknown>[];
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A TCP forward was opened, refused (error) or closed (code T3003S). */
export interface Port {
  "addr"?: string;
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "error"?: string;
  "event": "port";
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "success": boolean;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** The server closed a connection. */
export interface ClientDisconnect {
  "addr.local"?: string;
  "addr.remote"?: string;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "client.disconnect";
  "login"?: string;
  "namespace"?: string;
  "proto"?: string;
  "reason"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A program was executed. */
export interface SessionCommand {
  "args"?: string[];
  "argv": string[];
  "audit_session_id"?: number;
  "cgroup_id": number;
  "cluster_name": string;
  "code": string;
  "cwd"?: string;
  "cwd_state"?: string;
  "delegated"?: Record<string, string>;
  "detached"?: boolean;
  "ei": number;
  "env"?: Record<string, string>;
  "event": "session.command";
  "exe"?: string;
  "exe_device"?: string;
  "exe_inode"?: number;
  "exe_mount_id"?: number;
  "exe_state"?: string;
  "interpreter"?: string;
  "loader"?: string;
  "login"?: string;
  "namespace"?: string;
  "path": string;
  "pid": number;
  "ppid": number;
  "process_euid"?: number;
  "process_uid"?: number;
  "program": string;
  "return_code": number;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sha256"?: string;
  "sha256_missing"?: string;
  "sid"?: string;
  "time": string;
  "truncated"?: string[];
  "tty"?: string;
  "uid": string;
  "unresolved"?: boolean;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
  "via"?: string;
}

/** A file was opened. */
export interface SessionDisk {
  "audit_session_id"?: number;
  "cgroup_id": number;
  "cluster_name": string;
  "code": string;
  "delegated"?: Record<string, string>;
  "detached"?: boolean;
  "device"?: string;
  "ei": number;
  "event": "session.disk";
  "flags": number;
  "inode"?: number;
  "login"?: string;
  "mount_id"?: number;
  "namespace"?: string;
  "path": string;
  "path_state"?: string;
  "pid": number;
  "process_euid"?: number;
  "process_uid"?: number;
  "program": string;
  "return_code": number;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "truncated"?: string[];
  "uid": string;
  "unresolved"?: boolean;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
  "via"?: string;
}

/** A connection, or a means of making some. */
export interface SessionNetwork {
  "action": number;
  "audit_session_id"?: number;
  "cgroup_id": number;
  "cluster_name": string;
  "code": string;
  "delegated"?: Record<string, string>;
  "detached"?: boolean;
  "dst_addr": string;
  "dst_port": number;
  "ei": number;
  "event": "session.network";
  "login"?: string;
  "namespace"?: string;
  "operation": number;
  "pid": number;
  "process_euid"?: number;
  "process_uid"?: number;
  "program": string;
  "protocol"?: string;
  "return_code"?: number;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "src_addr": string;
  "src_port"?: number;
  "time": string;
  "truncated"?: string[];
  "uid": string;
  "unresolved"?: boolean;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
  "version": number;
  "via"?: string;
}

/** How a connection ended that was begun without waiting for it; fields as of its `session.network`. */
export interface SessionOutcome {
  "action"?: number;
  "audit_session_id"?: number;
  "cgroup_id"?: number;
  "cluster_name": string;
  "code": string;
  "delegated"?: Record<string, string>;
  "detached"?: boolean;
  "dst_addr": string;
  "dst_port": number;
  "ei": number;
  "event": "session.outcome";
  "login"?: string;
  "namespace"?: string;
  "pid": number;
  "process_euid"?: number;
  "process_uid"?: number;
  "program": string;
  "protocol"?: string;
  "return_code": number;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "src_addr": string;
  "src_port"?: number;
  "time": string;
  "truncated"?: string[];
  "uid": string;
  "unresolved"?: boolean;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
  "version": number;
  "via"?: string;
}

/** Something was done, or tried, that can blind or mislead the record. */
export interface SessionTamper {
  "audit_session_id"?: number;
  "cgroup_id"?: number;
  "cluster_name": string;
  "code": string;
  "delegated"?: Record<string, string>;
  "detached"?: boolean;
  "detail"?: string;
  "ei": number;
  "event": "session.tamper";
  "login"?: string;
  "namespace"?: string;
  "pid": number;
  "process_euid"?: number;
  "process_uid"?: number;
  "program": string;
  "return_code": number;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "target"?: string;
  "target_pid"?: number;
  "technique": string;
  "time": string;
  "truncated"?: string[];
  "uid": string;
  "unresolved"?: boolean;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
  "via"?: string;
}

/** A process left its session's cgroup; it is still recorded. */
export interface SessionEscape {
  "audit_session_id"?: number;
  "by_pid"?: number;
  "cgroup": string;
  "cgroup_id"?: number;
  "cluster_name": string;
  "code": string;
  "delegated"?: Record<string, string>;
  "detached"?: boolean;
  "ei": number;
  "event": "session.escape";
  "login"?: string;
  "namespace"?: string;
  "pid": number;
  "process_euid"?: number;
  "process_uid"?: number;
  "program": string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "truncated"?: string[];
  "uid": string;
  "unresolved"?: boolean;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
  "via"?: string;
}

/** Events of this session that could not be recorded, by kind. */
export interface SessionLoss {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.loss";
  "login"?: string;
  "lost"?: Record<string, number>;
  "namespace"?: string;
  "reason"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** The accounting of a session's kernel events, before `session.end`: started = stored + filtered + lost + unfinished. */
export interface SessionLedger {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.ledger";
  "filtered"?: Record<string, number>;
  "freezes"?: number;
  "frozen_ms"?: number;
  "login"?: string;
  "lost"?: Record<string, Record<string, number>>;
  "namespace"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "started"?: Record<string, number>;
  "stored": Record<string, number>;
  "submitted": Record<string, number>;
  "time": string;
  "uid": string;
  "unfinished"?: Record<string, number>;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** A strict session was frozen until capture had caught up. */
export interface SessionFreeze {
  "backlog"?: number;
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "session.freeze";
  "login"?: string;
  "milliseconds": number;
  "namespace"?: string;
  "server_addr"?: string;
  "server_hostname"?: string;
  "server_id": string;
  "server_labels"?: Record<string, string>;
  "server_version"?: string;
  "sid"?: string;
  "time": string;
  "uid": string;
  "user"?: string;
  "user_roles"?: string[];
  "user_traits"?: Record<string, string[]>;
}

/** Events that a source announced or held and that are not in the log. */
export interface AuditGap {
  "cluster_name": string;
  "code": string;
  "ei": number;
  "event": "audit.gap";
  "lost": number;
  "reason"?: string;
  "source": string;
  "time": string;
  "uid": string;
}

/** Days of the audit log and recordings removed since their retention was over. */
export interface AuditRetention {
  "bytes": number;
  "cluster_name": string;
  "code": string;
  "days"?: string[];
  "ei": number;
  "event": "audit.retention";
  "events": number;
  "first"?: string;
  "last"?: string;
  "recordings": number;
  "time": string;
  "uid": string;
}

/** A piece of terminal output, in recordings only; the bytes are in the chunks file. */
export interface Print {
  "bytes": number;
  "ci": number;
  "cluster_name"?: string;
  "code"?: string;
  "ei": number;
  "event": "print";
  "ms": number;
  "offset": number;
  "time": string;
  "uid"?: string;
}

/** An event whose name is known. */
export type KnownEvent =
  | UserLogin
  | UserCreate
  | UserUpdate
  | UserDelete
  | UserPasswordChange
  | MfaAdd
  | ResetPasswordTokenCreate
  | CertCreate
  | LockCreated
  | LockDeleted
  | JoinTokenCreate
  | JoinTokenDelete
  | InstanceJoin
  | RoleCreated
  | RoleUpdated
  | RoleDeleted
  | AuthAttempt
  | SessionRejected
  | SessionStart
  | SessionAttestation
  | Resize
  | SessionLeave
  | SessionEnd
  | SessionData
  | SessionUpload
  | SessionRecordingAccess
  | Subsystem
  | Exec
  | Scp
  | Sftp
  | SftpSummary
  | Port
  | ClientDisconnect
  | SessionCommand
  | SessionDisk
  | SessionNetwork
  | SessionOutcome
  | SessionTamper
  | SessionEscape
  | SessionLoss
  | SessionLedger
  | SessionFreeze
  | AuditGap
  | AuditRetention
  | Print;

export type EventName = KnownEvent["event"];

/** Names of events by the group under which the filter lists them. */
export const EVENT_GROUPS: { group: string; items: EventName[] }[] = [
  {
    "group": "Cluster",
    "items": [
      "instance.join",
      "join_token.create",
      "join_token.delete",
      "role.created",
      "role.deleted",
      "role.updated"
    ]
  },
  {
    "group": "Files",
    "items": [
      "scp",
      "sftp",
      "sftp_summary"
    ]
  },
  {
    "group": "Kernel",
    "items": [
      "session.command",
      "session.disk",
      "session.escape",
      "session.network",
      "session.outcome",
      "session.tamper"
    ]
  },
  {
    "group": "People",
    "items": [
      "cert.create",
      "lock.created",
      "lock.deleted",
      "mfa.add",
      "reset_password_token.create",
      "user.create",
      "user.delete",
      "user.login",
      "user.password_change",
      "user.update"
    ]
  },
  {
    "group": "Record",
    "items": [
      "audit.gap",
      "audit.retention",
      "session.freeze",
      "session.ledger",
      "session.loss",
      "session.recording.access",
      "session.upload"
    ]
  },
  {
    "group": "Sessions",
    "items": [
      "auth",
      "client.disconnect",
      "exec",
      "port",
      "resize",
      "session.attestation",
      "session.data",
      "session.end",
      "session.leave",
      "session.rejected",
      "session.start",
      "subsystem"
    ]
  }
];

export const TEXTS: Record<EventName, Texts> = {
  "user.login": {
    "sentence": "{who} logged in",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "success",
            "=",
            "false"
          ],
          [
            "attempts",
            ">",
            "1"
          ]
        ],
        "sentence": "{who} could not log in, {attempts} times[: {why}]",
        "severity": "warning"
      },
      {
        "when": [
          [
            "success",
            "=",
            "false"
          ]
        ],
        "sentence": "{who} could not log in[: {why}]",
        "severity": "warning"
      }
    ]
  },
  "user.create": {
    "sentence": "{who} created user {name}",
    "enums": {},
    "cases": []
  },
  "user.update": {
    "sentence": "{who} changed user {name}",
    "enums": {},
    "cases": []
  },
  "user.delete": {
    "sentence": "{who} removed user {name}",
    "enums": {},
    "cases": []
  },
  "user.password_change": {
    "sentence": "{who} set a password",
    "enums": {},
    "cases": []
  },
  "mfa.add": {
    "sentence": "{who} registered a second factor",
    "enums": {},
    "cases": []
  },
  "reset_password_token.create": {
    "sentence": "{who} made a one-time link for {name}[, valid for {ttl}]",
    "enums": {},
    "cases": []
  },
  "cert.create": {
    "sentence": "A {cert_type} certificate was issued[ to {identity.user}]",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "cert_type",
            "=",
            "user"
          ]
        ],
        "sentence": "A certificate was issued to {identity.user|or:an unnamed person}",
        "severity": ""
      }
    ]
  },
  "lock.created": {
    "sentence": "{who} locked {target|pairs|or:$name}[: {message}]",
    "enums": {},
    "cases": []
  },
  "lock.deleted": {
    "sentence": "{who} lifted the lock of {target|pairs|or:$name}",
    "enums": {},
    "cases": []
  },
  "join_token.create": {
    "sentence": "{who} made a join token for {roles|list|or:a service}",
    "enums": {},
    "cases": []
  },
  "join_token.delete": {
    "sentence": "{who} revoked join token {name}",
    "enums": {},
    "cases": []
  },
  "instance.join": {
    "sentence": "{node_name|or:$host_id|or:a host} joined as {role|or:service}",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "success",
            "=",
            "false"
          ],
          [
            "attempts",
            ">",
            "1"
          ]
        ],
        "sentence": "{node_name|or:$host_id|or:A host} was not allowed to join as {role|or:service}, {attempts} times[: {why}]",
        "severity": "error"
      },
      {
        "when": [
          [
            "success",
            "=",
            "false"
          ]
        ],
        "sentence": "{node_name|or:$host_id|or:A host} was not allowed to join as {role|or:service}[: {why}]",
        "severity": "error"
      }
    ]
  },
  "role.created": {
    "sentence": "{who} created role {name}",
    "enums": {},
    "cases": []
  },
  "role.updated": {
    "sentence": "{who} changed role {name}",
    "enums": {},
    "cases": []
  },
  "role.deleted": {
    "sentence": "{who} removed role {name}",
    "enums": {},
    "cases": []
  },
  "auth": {
    "sentence": "{who} was refused at {where}[: {why}]",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "attempts",
            ">",
            "1"
          ]
        ],
        "sentence": "{who} was refused {attempts} times at {where}[: {why}]",
        "severity": "warning"
      }
    ]
  },
  "session.rejected": {
    "sentence": "{who} got no session at {where}[: {why}]",
    "enums": {},
    "cases": []
  },
  "session.start": {
    "sentence": "{who} started a session as {where}",
    "enums": {},
    "cases": []
  },
  "session.attestation": {
    "sentence": "{who} has proved to log in as {where}",
    "enums": {},
    "cases": []
  },
  "resize": {
    "sentence": "{who} resized the terminal to {size|times}",
    "enums": {},
    "cases": []
  },
  "session.leave": {
    "sentence": "{who} left a session at {where}",
    "enums": {},
    "cases": []
  },
  "session.end": {
    "sentence": "{who}'s session as {where} ended[: {reason}]",
    "enums": {},
    "cases": []
  },
  "session.data": {
    "sentence": "{who}'s session carried {tx|bytes} out, {rx|bytes} in",
    "enums": {},
    "cases": []
  },
  "session.upload": {
    "sentence": "A recording is complete in the archive",
    "enums": {},
    "cases": []
  },
  "session.recording.access": {
    "sentence": "{who} read the recording of a session[ as {format}]",
    "enums": {},
    "cases": []
  },
  "subsystem": {
    "sentence": "{who} used the subsystem {name} at {where}",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "exitError",
            "",
            ""
          ]
        ],
        "sentence": "{who} used the subsystem {name} at {where}: {exitError}",
        "severity": "error"
      }
    ]
  },
  "exec": {
    "sentence": "{who} ran {command} as {where}",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "exitError",
            "",
            ""
          ]
        ],
        "sentence": "{who} ran {command} as {where}: {exitError}",
        "severity": "error"
      },
      {
        "when": [
          [
            "exitCode",
            "",
            ""
          ],
          [
            "exitCode",
            "!=",
            "0"
          ]
        ],
        "sentence": "{who} ran {command} as {where} (exit status {exitCode})",
        "severity": ""
      }
    ]
  },
  "scp": {
    "sentence": "{who} {action|did} {path}",
    "enums": {
      "action": "scp_action"
    },
    "cases": [
      {
        "when": [
          [
            "exitError",
            "",
            ""
          ]
        ],
        "sentence": "{who} {action|tried} {path}: {exitError}",
        "severity": "error"
      }
    ]
  },
  "sftp": {
    "sentence": "{who} {action|did} {path}[ → {target_path}]",
    "enums": {
      "action": "sftp_action"
    },
    "cases": [
      {
        "when": [
          [
            "code",
            "=",
            "TS020E"
          ]
        ],
        "sentence": "{who} was not allowed to copy files[: {error}]",
        "severity": "error"
      },
      {
        "when": [
          [
            "error",
            "",
            ""
          ]
        ],
        "sentence": "{who} {action|tried} {path}[ → {target_path}]: {error}",
        "severity": "error"
      }
    ]
  },
  "sftp_summary": {
    "sentence": "{who}'s file transfer at {where} ended",
    "enums": {},
    "cases": []
  },
  "port": {
    "sentence": "{who} forwarded to {addr}",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "success",
            "=",
            "false"
          ]
        ],
        "sentence": "{who} could not forward to {addr}[: {why}]",
        "severity": "error"
      },
      {
        "when": [
          [
            "code",
            "=",
            "T3003S"
          ]
        ],
        "sentence": "{who} stopped forwarding to {addr}",
        "severity": ""
      }
    ]
  },
  "client.disconnect": {
    "sentence": "{who} was disconnected from {where}[: {why}]",
    "enums": {},
    "cases": []
  },
  "session.command": {
    "sentence": "{who} ran {path|or:$program}[ {argv|words}][, {exe_state|note}]",
    "enums": {
      "exe_state": "exe_state"
    },
    "cases": [
      {
        "when": [
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who} could not run {path|or:$program}[ {argv|words}]: {return_code|errno}",
        "severity": ""
      }
    ]
  },
  "session.disk": {
    "sentence": "{who}: {program|or:a program} opened {path}",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who}: {program|or:a program} could not open {path}: {return_code|errno}",
        "severity": ""
      }
    ]
  },
  "session.network": {
    "sentence": "{who}: {program|or:a program} {operation|did} {far}",
    "enums": {
      "operation": "operation"
    },
    "cases": [
      {
        "when": [
          [
            "operation",
            "=",
            "4"
          ],
          [
            "action",
            "=",
            "1"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|tried}[ ({protocol})], which was denied",
        "severity": "warning"
      },
      {
        "when": [
          [
            "operation",
            "=",
            "4"
          ],
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|tried}[ ({protocol})]: {return_code|errno}",
        "severity": "warning"
      },
      {
        "when": [
          [
            "operation",
            "=",
            "4"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|did}[ ({protocol})]",
        "severity": "warning"
      },
      {
        "when": [
          [
            "operation",
            "=",
            "3"
          ],
          [
            "action",
            "=",
            "1"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|tried} {near}, which was denied",
        "severity": "warning"
      },
      {
        "when": [
          [
            "operation",
            "=",
            "3"
          ],
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|tried} {near}: {return_code|errno}",
        "severity": ""
      },
      {
        "when": [
          [
            "operation",
            "=",
            "3"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|did} {near}",
        "severity": ""
      },
      {
        "when": [
          [
            "action",
            "=",
            "1"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|tried} {far}, which was denied",
        "severity": "warning"
      },
      {
        "when": [
          [
            "operation",
            "=",
            "0"
          ],
          [
            "return_code",
            "=",
            "-115"
          ]
        ],
        "sentence": "{who}: {program|or:a program} began to connect to {far}",
        "severity": ""
      },
      {
        "when": [
          [
            "operation",
            "=",
            "2"
          ],
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|tried} {far}: {return_code|errno}",
        "severity": ""
      },
      {
        "when": [
          [
            "operation",
            "=",
            "2"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|did} {far}",
        "severity": ""
      },
      {
        "when": [
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {operation|tried} {far}: {return_code|errno}",
        "severity": ""
      }
    ]
  },
  "session.outcome": {
    "sentence": "{who}: {program|or:a program} connected to {far}",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who}: {program|or:a program} did not get a connection to {far}: {return_code|errno}",
        "severity": ""
      }
    ]
  },
  "session.tamper": {
    "sentence": "{who}: {program|or:a program} {technique|did}[ ({detail})][ {target}][ (process {target_pid})]",
    "enums": {
      "technique": "technique"
    },
    "cases": [
      {
        "when": [
          [
            "return_code",
            "<",
            "0"
          ]
        ],
        "sentence": "{who}: {program|or:a program} {technique|tried}[ ({detail})][ {target}][ (process {target_pid})]: {return_code|errno}",
        "severity": "warning"
      }
    ]
  },
  "session.escape": {
    "sentence": "{who}: {program|or:a program} left the session's cgroup for {cgroup|or:an unknown one}",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "by_pid",
            "",
            ""
          ],
          [
            "by_pid",
            "!=",
            "pid"
          ]
        ],
        "sentence": "{who}: {program|or:a program} was moved out of the session's cgroup to {cgroup|or:an unknown one} by process {by_pid}",
        "severity": "error"
      },
      {
        "when": [
          [
            "by_pid",
            "",
            ""
          ]
        ],
        "sentence": "{who}: {program|or:a program} moved itself out of the session's cgroup to {cgroup|or:an unknown one}",
        "severity": "error"
      }
    ]
  },
  "session.loss": {
    "sentence": "Events of {who}'s session could not be recorded[ ({lost|counts})][: {reason}]",
    "enums": {},
    "cases": []
  },
  "session.ledger": {
    "sentence": "{who}'s session: stored {stored|counts|or:no kernel events}[; lost at {lost|stages}]",
    "enums": {},
    "cases": [
      {
        "when": [
          [
            "lost",
            "",
            ""
          ]
        ],
        "sentence": "",
        "severity": "warning"
      }
    ]
  },
  "session.freeze": {
    "sentence": "{who}'s session was frozen for {milliseconds} ms, so that nothing was lost",
    "enums": {},
    "cases": []
  },
  "audit.gap": {
    "sentence": "{lost|or:Some} events are missing from the log[: {reason}]",
    "enums": {},
    "cases": []
  },
  "audit.retention": {
    "sentence": "{events} events and {recordings} recordings were removed: their retention was over",
    "enums": {},
    "cases": []
  },
  "print": {
    "sentence": "{bytes} bytes of terminal output",
    "enums": {},
    "cases": []
  }
};

export const ENUMS: Record<string, Phrases> = {
  "operation": {
    "values": {
      "0": {
        "name": "connect",
        "severity": "information",
        "did": "connected to",
        "tried": "tried to connect to"
      },
      "1": {
        "name": "send",
        "severity": "information",
        "did": "sent a datagram to",
        "tried": "tried to send a datagram to"
      },
      "2": {
        "name": "accept",
        "severity": "information",
        "did": "accepted a connection from",
        "tried": "could not accept a connection from"
      },
      "3": {
        "name": "listen",
        "severity": "information",
        "did": "listens on",
        "tried": "tried to listen on"
      },
      "4": {
        "name": "socket",
        "severity": "warning",
        "did": "made a raw socket",
        "tried": "tried to make a raw socket"
      }
    },
    "other": {
      "severity": "warning",
      "did": "used the network (unknown operation) with",
      "tried": "tried to use the network (unknown operation) with"
    }
  },
  "technique": {
    "values": {
      "bpf": {
        "severity": "error",
        "did": "used the BPF system call",
        "tried": "tried to use the BPF system call"
      },
      "ptrace": {
        "severity": "warning",
        "did": "traced a process",
        "tried": "tried to trace a process"
      },
      "vm_write": {
        "severity": "warning",
        "did": "wrote into the memory of a process",
        "tried": "tried to write into the memory of a process"
      },
      "vm_read": {
        "severity": "warning",
        "did": "read the memory of a process",
        "tried": "tried to read the memory of a process"
      },
      "pidfd_getfd": {
        "severity": "warning",
        "did": "took a descriptor of a process",
        "tried": "tried to take a descriptor of a process"
      },
      "proc_mem": {
        "severity": "warning",
        "did": "opened the memory of a process in /proc",
        "tried": "tried to open the memory of a process in /proc"
      },
      "signal": {
        "severity": "warning",
        "did": "sent a signal to a protected process",
        "tried": "tried to send a signal to a protected process"
      },
      "cgroup": {
        "severity": "error",
        "did": "changed a protected cgroup",
        "tried": "tried to change a protected cgroup"
      },
      "module": {
        "severity": "error",
        "did": "loaded or removed a kernel module",
        "tried": "tried to load or remove a kernel module"
      },
      "kexec": {
        "severity": "error",
        "did": "loaded another kernel",
        "tried": "tried to load another kernel"
      },
      "preload": {
        "severity": "warning",
        "did": "wrote to the configuration of the dynamic linker",
        "tried": "tried to write to the configuration of the dynamic linker"
      },
      "perf": {
        "severity": "warning",
        "did": "opened a performance event",
        "tried": "tried to open a performance event"
      },
      "io_uring": {
        "severity": "warning",
        "did": "made an io_uring",
        "tried": "tried to make an io_uring"
      },
      "mount": {
        "severity": "warning",
        "did": "changed mounts",
        "tried": "tried to change mounts"
      },
      "kernel_memory": {
        "severity": "error",
        "did": "opened the memory of the kernel",
        "tried": "tried to open the memory of the kernel"
      },
      "clock": {
        "severity": "warning",
        "did": "set the clock",
        "tried": "tried to set the clock"
      }
    },
    "other": {
      "severity": "warning",
      "did": "used an unknown technique against the record",
      "tried": "tried an unknown technique against the record"
    }
  },
  "exe_state": {
    "values": {
      "memfd": {
        "severity": "warning",
        "note": "from a file that exists in memory only"
      },
      "deleted": {
        "severity": "warning",
        "note": "from a deleted file"
      },
      "detached": {
        "severity": "warning",
        "note": "from a mount outside its mount namespace"
      },
      "linker": {
        "severity": "information",
        "note": "through the dynamic linker"
      }
    },
    "other": {
      "severity": "warning",
      "note": "in an unknown state"
    }
  },
  "scp_action": {
    "values": {
      "download": {
        "severity": "information",
        "did": "downloaded",
        "tried": "could not download"
      },
      "upload": {
        "severity": "information",
        "did": "uploaded",
        "tried": "could not upload"
      }
    },
    "other": {
      "severity": "information",
      "did": "copied (unknown direction)",
      "tried": "could not copy (unknown direction)"
    }
  },
  "sftp_action": {
    "values": {
      "1": {
        "name": "open",
        "severity": "information",
        "did": "opened",
        "tried": "could not open"
      },
      "2": {
        "name": "close",
        "severity": "information",
        "did": "closed",
        "tried": "could not close"
      },
      "3": {
        "name": "read",
        "severity": "information",
        "did": "read",
        "tried": "could not read"
      },
      "4": {
        "name": "write",
        "severity": "information",
        "did": "wrote to",
        "tried": "could not write to"
      },
      "5": {
        "name": "lstat",
        "severity": "information",
        "did": "read the attributes (not following links) of",
        "tried": "could not read the attributes (not following links) of"
      },
      "6": {
        "name": "fstat",
        "severity": "information",
        "did": "read the attributes of the open file",
        "tried": "could not read the attributes of the open file"
      },
      "7": {
        "name": "setstat",
        "severity": "information",
        "did": "set the attributes of",
        "tried": "could not set the attributes of"
      },
      "8": {
        "name": "fsetstat",
        "severity": "information",
        "did": "set the attributes of the open file",
        "tried": "could not set the attributes of the open file"
      },
      "9": {
        "name": "opendir",
        "severity": "information",
        "did": "opened the directory",
        "tried": "could not open the directory"
      },
      "10": {
        "name": "readdir",
        "severity": "information",
        "did": "listed",
        "tried": "could not list"
      },
      "11": {
        "name": "remove",
        "severity": "information",
        "did": "removed",
        "tried": "could not remove"
      },
      "12": {
        "name": "mkdir",
        "severity": "information",
        "did": "made the directory",
        "tried": "could not make the directory"
      },
      "13": {
        "name": "rmdir",
        "severity": "information",
        "did": "removed the directory",
        "tried": "could not remove the directory"
      },
      "14": {
        "name": "realpath",
        "severity": "information",
        "did": "resolved",
        "tried": "could not resolve"
      },
      "15": {
        "name": "stat",
        "severity": "information",
        "did": "read the attributes of",
        "tried": "could not read the attributes of"
      },
      "16": {
        "name": "rename",
        "severity": "information",
        "did": "renamed",
        "tried": "could not rename"
      },
      "17": {
        "name": "readlink",
        "severity": "information",
        "did": "read the link",
        "tried": "could not read the link"
      },
      "18": {
        "name": "symlink",
        "severity": "information",
        "did": "made a symbolic link",
        "tried": "could not make a symbolic link"
      },
      "19": {
        "name": "link",
        "severity": "information",
        "did": "made a hard link",
        "tried": "could not make a hard link"
      }
    },
    "other": {
      "severity": "information",
      "did": "did an unknown operation on",
      "tried": "could not do an unknown operation on"
    }
  }
};

export const ERRORS: Record<number, string> = {
  "1": "not permitted",
  "2": "no such file",
  "3": "no such process",
  "4": "interrupted",
  "5": "input/output error",
  "6": "no such device",
  "7": "argument list too long",
  "8": "not an executable format",
  "9": "bad descriptor",
  "11": "try again",
  "12": "out of memory",
  "13": "permission denied",
  "14": "bad address",
  "16": "busy",
  "17": "file exists",
  "20": "not a directory",
  "21": "is a directory",
  "22": "invalid argument",
  "23": "too many open files on the host",
  "24": "too many open files",
  "26": "file is being written",
  "28": "no space left",
  "30": "read-only file system",
  "36": "name too long",
  "38": "not supported by the kernel",
  "40": "too many symbolic links",
  "95": "not supported",
  "97": "address family not supported",
  "98": "address in use",
  "99": "address not available",
  "100": "network is down",
  "101": "network is unreachable",
  "103": "connection abandoned",
  "104": "connection reset",
  "106": "already connected",
  "107": "not connected",
  "110": "timed out",
  "111": "connection refused",
  "112": "host is down",
  "113": "no route to host",
  "114": "already in progress",
  "115": "in progress"
};
