# SPDX-License-Identifier: Apache-2.0
"""Sentences, severities and phrases of audit events; see ``model.sentences``.

Written by ``./run generate`` from ``schema/events.toml``; do not edit.
"""

from __future__ import annotations

from proctor.model.sentences import Case, Catalogue, Phrases, Texts

CATALOGUE = Catalogue(
    events={
        "user.login": Texts(
            texts={"sentence": "{who} logged in", "brief": "{method}"},
            enums={},
            cases=(
                Case(
                    when=(("success", "=", "false"), ("attempts", ">", "1")),
                    texts={"sentence": "{who} could not log in, {attempts} times[: {why}]", "brief": "{why}"},
                    severity="warning",
                ),
                Case(
                    when=(("success", "=", "false"),),
                    texts={"sentence": "{who} could not log in[: {why}]", "brief": "{why}"},
                    severity="warning",
                ),
            ),
        ),
        "user.create": Texts(
            texts={"sentence": "{who} created user {name}", "brief": "{name}"}, enums={}, cases=()
        ),
        "user.update": Texts(
            texts={"sentence": "{who} changed user {name}", "brief": "{name}"}, enums={}, cases=()
        ),
        "user.delete": Texts(
            texts={"sentence": "{who} removed user {name}", "brief": "{name}"}, enums={}, cases=()
        ),
        "user.password_change": Texts(
            texts={"sentence": "{who} set a password", "brief": "{user}"}, enums={}, cases=()
        ),
        "mfa.add": Texts(
            texts={"sentence": "{who} registered a second factor", "brief": "{mfa_device_name}"},
            enums={},
            cases=(),
        ),
        "reset_password_token.create": Texts(
            texts={"sentence": "{who} made a one-time link for {name}[, valid for {ttl}]", "brief": "{name}"},
            enums={},
            cases=(),
        ),
        "cert.create": Texts(
            texts={
                "sentence": "A {cert_type} certificate was issued[ to {identity.user}]",
                "brief": "{cert_type}[ {identity.user}]",
            },
            enums={},
            cases=(
                Case(
                    when=(("cert_type", "=", "user"),),
                    texts={
                        "sentence": "A certificate was issued to {identity.user|or:an unnamed person}",
                        "brief": "{identity.user}",
                    },
                    severity="",
                ),
            ),
        ),
        "lock.created": Texts(
            texts={
                "sentence": "{who} locked {target|pairs|or:$name}[: {message}]",
                "brief": "{target|pairs|or:$name}",
            },
            enums={},
            cases=(),
        ),
        "lock.deleted": Texts(
            texts={
                "sentence": "{who} lifted the lock of {target|pairs|or:$name}",
                "brief": "{target|pairs|or:$name}",
            },
            enums={},
            cases=(),
        ),
        "join_token.create": Texts(
            texts={"sentence": "{who} made a join token for {roles|list|or:a service}", "brief": "{name}"},
            enums={},
            cases=(),
        ),
        "join_token.delete": Texts(
            texts={"sentence": "{who} revoked join token {name}", "brief": "{name}"}, enums={}, cases=()
        ),
        "instance.join": Texts(
            texts={
                "sentence": "{node_name|or:$host_id|or:a host} joined as {role|or:service}",
                "brief": "{node_name}",
            },
            enums={},
            cases=(
                Case(
                    when=(("success", "=", "false"), ("attempts", ">", "1")),
                    texts={
                        "sentence": "{node_name|or:$host_id|or:A host} was not allowed to join as {role|or:service}, {attempts} times[: {why}]",
                        "brief": "{why}",
                    },
                    severity="error",
                ),
                Case(
                    when=(("success", "=", "false"),),
                    texts={
                        "sentence": "{node_name|or:$host_id|or:A host} was not allowed to join as {role|or:service}[: {why}]",
                        "brief": "{why}",
                    },
                    severity="error",
                ),
            ),
        ),
        "role.created": Texts(
            texts={"sentence": "{who} created role {name}", "brief": "{name}"}, enums={}, cases=()
        ),
        "role.updated": Texts(
            texts={"sentence": "{who} changed role {name}", "brief": "{name}"}, enums={}, cases=()
        ),
        "role.deleted": Texts(
            texts={"sentence": "{who} removed role {name}", "brief": "{name}"}, enums={}, cases=()
        ),
        "auth": Texts(
            texts={"sentence": "{who} was refused at {where}[: {why}]", "brief": "{why}"},
            enums={},
            cases=(
                Case(
                    when=(("attempts", ">", "1"),),
                    texts={"sentence": "{who} was refused {attempts} times at {where}[: {why}]"},
                    severity="warning",
                ),
            ),
        ),
        "session.rejected": Texts(
            texts={"sentence": "{who} got no session at {where}[: {why}]", "brief": "{why}"},
            enums={},
            cases=(),
        ),
        "session.start": Texts(
            texts={"sentence": "{who} started a session as {where}", "brief": "{where}"}, enums={}, cases=()
        ),
        "session.attestation": Texts(
            texts={"sentence": "{who} has proved to log in as {where}", "brief": "{where}"},
            enums={},
            cases=(),
        ),
        "resize": Texts(
            texts={"sentence": "{who} resized the terminal to {size|times}", "brief": "{size}"},
            enums={},
            cases=(),
        ),
        "session.leave": Texts(
            texts={"sentence": "{who} left a session at {where}", "brief": "{where}"}, enums={}, cases=()
        ),
        "session.end": Texts(
            texts={
                "sentence": "{who}'s session as {where} ended[: {reason}]",
                "brief": "{where}[: {reason}]",
            },
            enums={},
            cases=(),
        ),
        "session.data": Texts(
            texts={
                "sentence": "{who}'s session carried {tx|bytes} out, {rx|bytes} in",
                "brief": "{tx|bytes} out, {rx|bytes} in",
            },
            enums={},
            cases=(),
        ),
        "session.upload": Texts(
            texts={"sentence": "A recording is complete in the archive", "brief": "{url}"}, enums={}, cases=()
        ),
        "session.recording.access": Texts(
            texts={"sentence": "{who} read the recording of a session[ as {format}]", "brief": "{sid}"},
            enums={},
            cases=(),
        ),
        "subsystem": Texts(
            texts={"sentence": "{who} used the subsystem {name} at {where}", "brief": "{name}"},
            enums={},
            cases=(
                Case(
                    when=(("exitError", "", ""),),
                    texts={
                        "sentence": "{who} used the subsystem {name} at {where}: {exitError}",
                        "brief": "{name} ({exitError})",
                    },
                    severity="error",
                ),
            ),
        ),
        "exec": Texts(
            texts={"sentence": "{who} ran {command} as {where}", "brief": "{command}"},
            enums={},
            cases=(
                Case(
                    when=(("exitError", "", ""),),
                    texts={
                        "sentence": "{who} ran {command} as {where}: {exitError}",
                        "brief": "{command} ({exitError})",
                    },
                    severity="error",
                ),
                Case(
                    when=(("exitCode", "", ""), ("exitCode", "!=", "0")),
                    texts={
                        "sentence": "{who} ran {command} as {where} (exit status {exitCode})",
                        "brief": "{command} (exit status {exitCode})",
                    },
                    severity="",
                ),
            ),
        ),
        "scp": Texts(
            texts={"sentence": "{who} {action|did} {path}", "brief": "{action} {path}"},
            enums={"action": "scp_action"},
            cases=(
                Case(
                    when=(("exitError", "", ""),),
                    texts={
                        "sentence": "{who} {action|tried} {path}: {exitError}",
                        "brief": "{action} {path} ({exitError})",
                    },
                    severity="error",
                ),
            ),
        ),
        "sftp": Texts(
            texts={
                "sentence": "{who} {action|did} {path}[ → {target_path}]",
                "brief": "{action|name} {path}[ → {target_path}]",
            },
            enums={"action": "sftp_action"},
            cases=(
                Case(
                    when=(("code", "=", "TS020E"),),
                    texts={"sentence": "{who} was not allowed to copy files[: {error}]", "brief": "{error}"},
                    severity="error",
                ),
                Case(
                    when=(("error", "", ""),),
                    texts={
                        "sentence": "{who} {action|tried} {path}[ → {target_path}]: {error}",
                        "brief": "{action|name} {path}[ → {target_path}] ({error})",
                    },
                    severity="error",
                ),
            ),
        ),
        "sftp_summary": Texts(
            texts={"sentence": "{who}'s file transfer at {where} ended", "brief": "{where}"},
            enums={},
            cases=(),
        ),
        "port": Texts(
            texts={"sentence": "{who} forwarded to {addr}", "brief": "{addr}"},
            enums={},
            cases=(
                Case(
                    when=(("success", "=", "false"),),
                    texts={
                        "sentence": "{who} could not forward to {addr}[: {why}]",
                        "brief": "{addr}[ ({why})]",
                    },
                    severity="error",
                ),
                Case(
                    when=(("code", "=", "T3003S"),),
                    texts={"sentence": "{who} stopped forwarding to {addr}", "brief": "{addr} closed"},
                    severity="",
                ),
            ),
        ),
        "client.disconnect": Texts(
            texts={"sentence": "{who} was disconnected from {where}[: {why}]", "brief": "{why}"},
            enums={},
            cases=(),
        ),
        "session.command": Texts(
            texts={
                "sentence": "{who} ran {path|or:$program}[ {argv|words}][, {exe_state|note}]",
                "brief": "{path}[ {argv|words}]",
            },
            enums={"exe_state": "exe_state"},
            cases=(
                Case(
                    when=(("return_code", "<", "0"),),
                    texts={
                        "sentence": "{who} could not run {path|or:$program}[ {argv|words}]: {return_code|errno}",
                        "brief": "{path}[ {argv|words}] ({return_code|errno})",
                    },
                    severity="",
                ),
            ),
        ),
        "session.disk": Texts(
            texts={"sentence": "{who}: {program|or:a program} opened {path}", "brief": "{path}"},
            enums={},
            cases=(
                Case(
                    when=(("return_code", "<", "0"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} could not open {path}: {return_code|errno}",
                        "brief": "{path} ({return_code|errno})",
                    },
                    severity="",
                ),
            ),
        ),
        "session.network": Texts(
            texts={
                "sentence": "{who}: {program|or:a program} {operation|did} {far}",
                "brief": "{program} → {far}",
            },
            enums={"operation": "operation"},
            cases=(
                Case(
                    when=(("operation", "=", "4"), ("action", "=", "1")),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|tried}[ ({protocol})], which was denied",
                        "brief": "{program}: raw socket[ ({protocol})] (denied)",
                    },
                    severity="warning",
                ),
                Case(
                    when=(("operation", "=", "4"), ("return_code", "<", "0")),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|tried}[ ({protocol})]: {return_code|errno}",
                        "brief": "{program}: raw socket[ ({protocol})] ({return_code|errno})",
                    },
                    severity="warning",
                ),
                Case(
                    when=(("operation", "=", "4"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|did}[ ({protocol})]",
                        "brief": "{program}: raw socket[ ({protocol})]",
                    },
                    severity="warning",
                ),
                Case(
                    when=(("operation", "=", "3"), ("action", "=", "1")),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|tried} {near}, which was denied",
                        "brief": "{program}: listen on {near} (denied)",
                    },
                    severity="warning",
                ),
                Case(
                    when=(("operation", "=", "3"), ("return_code", "<", "0")),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|tried} {near}: {return_code|errno}",
                        "brief": "{program}: listen on {near} ({return_code|errno})",
                    },
                    severity="",
                ),
                Case(
                    when=(("operation", "=", "3"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|did} {near}",
                        "brief": "{program}: listen on {near}",
                    },
                    severity="",
                ),
                Case(
                    when=(("action", "=", "1"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|tried} {far}, which was denied",
                        "brief": "{program} → {far} (denied)",
                    },
                    severity="warning",
                ),
                Case(
                    when=(("operation", "=", "0"), ("return_code", "=", "-115")),
                    texts={
                        "sentence": "{who}: {program|or:a program} began to connect to {far}",
                        "brief": "{program} → {far} (started)",
                    },
                    severity="",
                ),
                Case(
                    when=(("operation", "=", "2"), ("return_code", "<", "0")),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|tried} {far}: {return_code|errno}",
                        "brief": "{program} ← {far} ({return_code|errno})",
                    },
                    severity="",
                ),
                Case(
                    when=(("operation", "=", "2"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|did} {far}",
                        "brief": "{program} ← {far}",
                    },
                    severity="",
                ),
                Case(
                    when=(("return_code", "<", "0"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} {operation|tried} {far}: {return_code|errno}",
                        "brief": "{program} → {far} ({return_code|errno})",
                    },
                    severity="",
                ),
            ),
        ),
        "session.outcome": Texts(
            texts={
                "sentence": "{who}: {program|or:a program} connected to {far}",
                "brief": "{program} → {far} (connected)",
            },
            enums={},
            cases=(
                Case(
                    when=(("return_code", "<", "0"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} did not get a connection to {far}: {return_code|errno}",
                        "brief": "{program} → {far} ({return_code|errno})",
                    },
                    severity="",
                ),
            ),
        ),
        "session.tamper": Texts(
            texts={
                "sentence": "{who}: {program|or:a program} {technique|did}[ ({detail})][ {target}][ (process {target_pid})]",
                "brief": "{program}: {technique}[ {detail}][ {target}][ ({target_pid})]",
            },
            enums={"technique": "technique"},
            cases=(
                Case(
                    when=(("return_code", "<", "0"),),
                    texts={
                        "sentence": "{who}: {program|or:a program} {technique|tried}[ ({detail})][ {target}][ (process {target_pid})]: {return_code|errno}",
                        "brief": "{program}: {technique}[ {detail}][ {target}][ ({target_pid})] ({return_code|errno})",
                    },
                    severity="warning",
                ),
            ),
        ),
        "session.escape": Texts(
            texts={
                "sentence": "{who}: {program|or:a program} left the session's cgroup for {cgroup|or:an unknown one}",
                "brief": "{program} → {cgroup}",
            },
            enums={},
            cases=(
                Case(
                    when=(("by_pid", "", ""), ("by_pid", "!=", "pid")),
                    texts={
                        "sentence": "{who}: {program|or:a program} was moved out of the session's cgroup to {cgroup|or:an unknown one} by process {by_pid}",
                        "brief": "{program} → {cgroup} (by {by_pid})",
                    },
                    severity="error",
                ),
                Case(
                    when=(("by_pid", "", ""),),
                    texts={
                        "sentence": "{who}: {program|or:a program} moved itself out of the session's cgroup to {cgroup|or:an unknown one}",
                        "brief": "{program} → {cgroup} (by itself)",
                    },
                    severity="error",
                ),
            ),
        ),
        "session.loss": Texts(
            texts={
                "sentence": "Events of {who}'s session could not be recorded[ ({lost|counts})][: {reason}]",
                "brief": "{lost|counts|or:$reason}",
                "remark": "kernel events that could not be recorded here: {lost|counts|or:$reason|or:unknown}",
            },
            enums={},
            cases=(),
        ),
        "session.ledger": Texts(
            texts={
                "sentence": "{who}'s session: stored {stored|counts|or:no kernel events}[; lost at {lost|stages}]",
                "brief": "stored {stored|counts|or:none}[; lost at {lost|stages}]",
            },
            enums={},
            cases=(
                Case(
                    when=(("lost", "", ""),),
                    texts={"remark": "the session's account: stored {stored|counts}; lost at {lost|stages}"},
                    severity="warning",
                ),
            ),
        ),
        "session.freeze": Texts(
            texts={
                "sentence": "{who}'s session was frozen for {milliseconds} ms, so that nothing was lost",
                "brief": "{milliseconds} ms",
                "remark": "the session was held for {milliseconds} ms, so that nothing was lost",
            },
            enums={},
            cases=(),
        ),
        "audit.gap": Texts(
            texts={
                "sentence": "{lost|or:Some} events are missing from the log[: {reason}]",
                "brief": "{lost}[ ({reason})]",
            },
            enums={},
            cases=(),
        ),
        "audit.retention": Texts(
            texts={
                "sentence": "{events} events and {recordings} recordings were removed: their retention was over",
                "brief": "{events} events, {recordings} recordings",
            },
            enums={},
            cases=(),
        ),
        "print": Texts(
            texts={"sentence": "{bytes} bytes of terminal output", "brief": "{bytes} bytes"},
            enums={},
            cases=(),
        ),
    },
    enums={
        "operation": Phrases(
            values={
                "0": {
                    "name": "connect",
                    "severity": "information",
                    "did": "connected to",
                    "tried": "tried to connect to",
                },
                "1": {
                    "name": "send",
                    "severity": "information",
                    "did": "sent a datagram to",
                    "tried": "tried to send a datagram to",
                },
                "2": {
                    "name": "accept",
                    "severity": "information",
                    "did": "accepted a connection from",
                    "tried": "could not accept a connection from",
                },
                "3": {
                    "name": "listen",
                    "severity": "information",
                    "did": "listens on",
                    "tried": "tried to listen on",
                },
                "4": {
                    "name": "socket",
                    "severity": "warning",
                    "did": "made a raw socket",
                    "tried": "tried to make a raw socket",
                },
            },
            other={
                "severity": "warning",
                "did": "used the network (unknown operation) with",
                "tried": "tried to use the network (unknown operation) with",
            },
        ),
        "technique": Phrases(
            values={
                "bpf": {
                    "severity": "error",
                    "did": "used the BPF system call",
                    "tried": "tried to use the BPF system call",
                },
                "ptrace": {
                    "severity": "warning",
                    "did": "traced a process",
                    "tried": "tried to trace a process",
                },
                "vm_write": {
                    "severity": "warning",
                    "did": "wrote into the memory of a process",
                    "tried": "tried to write into the memory of a process",
                },
                "vm_read": {
                    "severity": "warning",
                    "did": "read the memory of a process",
                    "tried": "tried to read the memory of a process",
                },
                "pidfd_getfd": {
                    "severity": "warning",
                    "did": "took a descriptor of a process",
                    "tried": "tried to take a descriptor of a process",
                },
                "proc_mem": {
                    "severity": "warning",
                    "did": "opened the memory of a process in /proc",
                    "tried": "tried to open the memory of a process in /proc",
                },
                "signal": {
                    "severity": "warning",
                    "did": "sent a signal to a protected process",
                    "tried": "tried to send a signal to a protected process",
                },
                "cgroup": {
                    "severity": "error",
                    "did": "changed a protected cgroup",
                    "tried": "tried to change a protected cgroup",
                },
                "module": {
                    "severity": "error",
                    "did": "loaded or removed a kernel module",
                    "tried": "tried to load or remove a kernel module",
                },
                "kexec": {
                    "severity": "error",
                    "did": "loaded another kernel",
                    "tried": "tried to load another kernel",
                },
                "preload": {
                    "severity": "warning",
                    "did": "wrote to the configuration of the dynamic linker",
                    "tried": "tried to write to the configuration of the dynamic linker",
                },
                "perf": {
                    "severity": "warning",
                    "did": "opened a performance event",
                    "tried": "tried to open a performance event",
                },
                "io_uring": {
                    "severity": "warning",
                    "did": "made an io_uring",
                    "tried": "tried to make an io_uring",
                },
                "mount": {"severity": "warning", "did": "changed mounts", "tried": "tried to change mounts"},
                "kernel_memory": {
                    "severity": "error",
                    "did": "opened the memory of the kernel",
                    "tried": "tried to open the memory of the kernel",
                },
                "clock": {"severity": "warning", "did": "set the clock", "tried": "tried to set the clock"},
            },
            other={
                "severity": "warning",
                "did": "used an unknown technique against the record",
                "tried": "tried an unknown technique against the record",
            },
        ),
        "exe_state": Phrases(
            values={
                "memfd": {"severity": "warning", "note": "from a file that exists in memory only"},
                "deleted": {"severity": "warning", "note": "from a deleted file"},
                "detached": {"severity": "warning", "note": "from a mount outside its mount namespace"},
                "linker": {"severity": "information", "note": "through the dynamic linker"},
            },
            other={"severity": "warning", "note": "in an unknown state"},
        ),
        "scp_action": Phrases(
            values={
                "download": {"severity": "information", "did": "downloaded", "tried": "could not download"},
                "upload": {"severity": "information", "did": "uploaded", "tried": "could not upload"},
            },
            other={
                "severity": "information",
                "did": "copied (unknown direction)",
                "tried": "could not copy (unknown direction)",
            },
        ),
        "sftp_action": Phrases(
            values={
                "1": {"name": "open", "severity": "information", "did": "opened", "tried": "could not open"},
                "2": {
                    "name": "close",
                    "severity": "information",
                    "did": "closed",
                    "tried": "could not close",
                },
                "3": {"name": "read", "severity": "information", "did": "read", "tried": "could not read"},
                "4": {
                    "name": "write",
                    "severity": "information",
                    "did": "wrote to",
                    "tried": "could not write to",
                },
                "5": {
                    "name": "lstat",
                    "severity": "information",
                    "did": "read the attributes (not following links) of",
                    "tried": "could not read the attributes (not following links) of",
                },
                "6": {
                    "name": "fstat",
                    "severity": "information",
                    "did": "read the attributes of the open file",
                    "tried": "could not read the attributes of the open file",
                },
                "7": {
                    "name": "setstat",
                    "severity": "information",
                    "did": "set the attributes of",
                    "tried": "could not set the attributes of",
                },
                "8": {
                    "name": "fsetstat",
                    "severity": "information",
                    "did": "set the attributes of the open file",
                    "tried": "could not set the attributes of the open file",
                },
                "9": {
                    "name": "opendir",
                    "severity": "information",
                    "did": "opened the directory",
                    "tried": "could not open the directory",
                },
                "10": {
                    "name": "readdir",
                    "severity": "information",
                    "did": "listed",
                    "tried": "could not list",
                },
                "11": {
                    "name": "remove",
                    "severity": "information",
                    "did": "removed",
                    "tried": "could not remove",
                },
                "12": {
                    "name": "mkdir",
                    "severity": "information",
                    "did": "made the directory",
                    "tried": "could not make the directory",
                },
                "13": {
                    "name": "rmdir",
                    "severity": "information",
                    "did": "removed the directory",
                    "tried": "could not remove the directory",
                },
                "14": {
                    "name": "realpath",
                    "severity": "information",
                    "did": "resolved",
                    "tried": "could not resolve",
                },
                "15": {
                    "name": "stat",
                    "severity": "information",
                    "did": "read the attributes of",
                    "tried": "could not read the attributes of",
                },
                "16": {
                    "name": "rename",
                    "severity": "information",
                    "did": "renamed",
                    "tried": "could not rename",
                },
                "17": {
                    "name": "readlink",
                    "severity": "information",
                    "did": "read the link",
                    "tried": "could not read the link",
                },
                "18": {
                    "name": "symlink",
                    "severity": "information",
                    "did": "made a symbolic link",
                    "tried": "could not make a symbolic link",
                },
                "19": {
                    "name": "link",
                    "severity": "information",
                    "did": "made a hard link",
                    "tried": "could not make a hard link",
                },
            },
            other={
                "severity": "information",
                "did": "did an unknown operation on",
                "tried": "could not do an unknown operation on",
            },
        ),
    },
    errno={
        1: "not permitted",
        2: "no such file",
        3: "no such process",
        4: "interrupted",
        5: "input/output error",
        6: "no such device",
        7: "argument list too long",
        8: "not an executable format",
        9: "bad descriptor",
        11: "try again",
        12: "out of memory",
        13: "permission denied",
        14: "bad address",
        16: "busy",
        17: "file exists",
        20: "not a directory",
        21: "is a directory",
        22: "invalid argument",
        23: "too many open files on the host",
        24: "too many open files",
        26: "file is being written",
        28: "no space left",
        30: "read-only file system",
        36: "name too long",
        38: "not supported by the kernel",
        40: "too many symbolic links",
        95: "not supported",
        97: "address family not supported",
        98: "address in use",
        99: "address not available",
        100: "network is down",
        101: "network is unreachable",
        103: "connection abandoned",
        104: "connection reset",
        106: "already connected",
        107: "not connected",
        110: "timed out",
        111: "connection refused",
        112: "host is down",
        113: "no route to host",
        114: "already in progress",
        115: "in progress",
    },
)
