import type { AuditEvent } from "../api/client";
import type { Tone } from "../ui/Chip";

type Describe = (event: AuditEvent) => string;

function text(event: AuditEvent, name: string): string {
  const value = event[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function list(event: AuditEvent, name: string): string[] {
  const value = event[name];
  return Array.isArray(value) ? value.map(String) : [];
}

/** Hosts act as `<uuid>.<cluster>`, which is too long for a sentence. */
const HOST = /^([0-9a-f]{8})-[0-9a-f-]{27}\./;

const who: Describe = (event) => {
  const name = text(event, "user");
  const host = HOST.exec(name);
  return host ? `Host ${host[1]}` : name || "Somebody";
};

const failed = (event: AuditEvent) => event.success === false;

const where: Describe = (event) => {
  const host = text(event, "server_hostname") || text(event, "server_id") || "a node";
  const login = text(event, "login");
  return login ? `${login}@${host}` : host;
};

const because: Describe = (event) => {
  const reason = text(event, "error") || text(event, "reason") || text(event, "message");
  return reason ? `: ${reason}` : "";
};

const endpoint = (address: string, port: string) =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

const ERRORS: Record<number, string> = {
  1: "not permitted",
  2: "no such file",
  13: "permission denied",
  101: "network is unreachable",
  110: "timed out",
  111: "connection refused",
  113: "no route to host",
};

/** Why the kernel refused, when it did. */
const unless: Describe = (event) => {
  const code = Number(event.return_code ?? 0);
  return code < 0 ? `: ${ERRORS[-code] ?? `error ${-code}`}` : "";
};

const command: Describe = (event) => {
  const path = text(event, "path") || text(event, "program");
  const line = [path, ...list(event, "argv")].join(" ");
  const verb = Number(event.return_code) < 0 ? "could not run" : "ran";
  return `${who(event)} ${verb} ${line}${unless(event)}`;
};

const program: Describe = (event) => `${who(event)}: ${text(event, "program") || "a program"}`;

const network: Describe = (event) => {
  const target = endpoint(text(event, "dst_addr"), text(event, "dst_port"));
  const verb = event.operation === 1 ? "sent to" : "connected to";
  const denied = event.action === 1 ? ", which was denied" : "";
  return `${program(event)} ${verb} ${target}${denied}${unless(event)}`;
};

const disk: Describe = (event) => {
  const verb = Number(event.return_code) < 0 ? "could not open" : "opened";
  return `${program(event)} ${verb} ${text(event, "path")}${unless(event)}`;
};

/** In the order of the actions' numbers, which begin at 1. */
const FILE_ACTIONS =
  "opened|closed|read|wrote|looked at|looked at|changed|changed|opened the directory|listed|removed|made the directory|removed the directory|resolved|looked at|renamed|read the link|linked|linked".split(
    "|",
  );

const sftp: Describe = (event) => {
  const action = FILE_ACTIONS[Number(event.action) - 1] ?? "touched";
  const target = text(event, "target_path");
  return `${who(event)} ${action} ${text(event, "path")}${target && ` → ${target}`}${because(event)}`;
};

const bytes = (count: number) =>
  count < 1024
    ? `${count} B`
    : count < 1024 ** 2
      ? `${(count / 1024).toFixed(1)} KiB`
      : `${(count / 1024 ** 2).toFixed(1)} MiB`;

const DESCRIPTIONS: Record<string, Describe> = {
  "user.login": (event) =>
    failed(event) ? `${who(event)} could not log in${because(event)}` : `${who(event)} logged in`,
  "user.create": (event) => `${who(event)} created user ${text(event, "name")}`,
  "user.update": (event) => `${who(event)} changed user ${text(event, "name")}`,
  "user.delete": (event) => `${who(event)} removed user ${text(event, "name")}`,
  "user.password_change": (event) => `${who(event)} set a password`,
  "mfa.add": (event) => `${who(event)} registered a second factor`,
  "mfa.delete": (event) => `${who(event)} removed a second factor`,
  "reset_password_token.create": (event) =>
    `${who(event)} made a one-time link for ${text(event, "name")}, good for ${text(event, "ttl")}`,
  "cert.create": (event) => {
    const identity = (event.identity ?? {}) as AuditEvent;
    return `A certificate was issued to ${text(identity, "user") || "somebody"}`;
  },
  "join_token.create": (event) =>
    `${who(event)} made a join token for ${list(event, "roles").join(", ") || "a service"}`,
  "join_token.delete": (event) => `${who(event)} revoked join token ${text(event, "name")}`,
  "instance.join": (event) => {
    const host = text(event, "node_name") || text(event, "host_id");
    const role = text(event, "role") || "service";
    return failed(event)
      ? `${host} was not let in as ${role}${because(event)}`
      : `${host} joined as ${role}`;
  },
  "role.created": (event) => `${who(event)} created role ${text(event, "name")}`,
  "role.updated": (event) => `${who(event)} changed role ${text(event, "name")}`,
  "role.deleted": (event) => `${who(event)} removed role ${text(event, "name")}`,
  auth: (event) => `${who(event)} was refused at ${where(event)}${because(event)}`,
  "session.rejected": (event) => `${who(event)} got no session at ${where(event)}${because(event)}`,
  "session.start": (event) => `${who(event)} started a session as ${where(event)}`,
  "session.join": (event) => `${who(event)} entered a session at ${where(event)}`,
  "session.leave": (event) => `${who(event)} left a session at ${where(event)}`,
  "session.end": (event) => `${who(event)}'s session as ${where(event)} ended${because(event)}`,
  "session.data": (event) =>
    `${who(event)}'s session carried ${bytes(Number(event.tx))} out, ${bytes(Number(event.rx))} in`,
  "session.upload": () => "A recording is complete in the archive",
  "session.recording.access": (event) => `${who(event)} read the recording of a session`,
  "session.command": command,
  "session.network": network,
  "session.disk": disk,
  "session.loss": (event) => `Kernel events of a session were lost${because(event)}`,
  "audit.retention": (event) =>
    `${text(event, "events")} events and ${text(event, "recordings")} recordings were removed: their retention was over`,
  "audit.gap": (event) =>
    `${text(event, "lost") || "Some"} events are missing from the log${because(event)}`,
  resize: (event) =>
    `${who(event)} resized the terminal to ${text(event, "size").replace(":", "×")}`,
  subsystem: (event) =>
    `${who(event)} asked ${where(event)} for ${text(event, "name")}${suffix(event)}`,
  exec: (event) => {
    const code = text(event, "exitCode");
    return `${who(event)} ran ${text(event, "command")} as ${where(event)}${code && code !== "0" ? ` (exit status ${code})` : ""}${suffix(event)}`;
  },
  scp: (event) =>
    `${who(event)} ${event.action === "upload" ? "uploaded" : "downloaded"} ${text(event, "path")}${suffix(event)}`,
  sftp,
  sftp_summary: (event) => `${who(event)}'s file transfer at ${where(event)} ended`,
  port: (event) =>
    failed(event)
      ? `${who(event)} could not forward to ${text(event, "addr")}${because(event)}`
      : `${who(event)} ${text(event, "code") === "T3003S" ? "stopped forwarding" : "forwarded"} to ${text(event, "addr")}`,
  "client.disconnect": (event) =>
    `${who(event)} was disconnected from ${where(event)}${because(event)}`,
};

function suffix(event: AuditEvent): string {
  const error = text(event, "exitError");
  return error && `: ${error}`;
}

/** Names of events that the filter offers. */
export const EVENT_TYPES = Object.keys(DESCRIPTIONS).sort();

/** One sentence that says what happened. */
export function describe(event: AuditEvent): string {
  const known = DESCRIPTIONS[text(event, "event")];
  return known ? known(event) : `${who(event)}: ${text(event, "event") || "an unknown event"}`;
}

/** How much attention an event deserves, from the last letter of its code. */
export function tone(event: AuditEvent): Tone {
  const letter = text(event, "code").slice(-1);
  return letter === "W" ? "warning" : letter === "E" ? "error" : "normal";
}
