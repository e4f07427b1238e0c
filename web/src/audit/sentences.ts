// SPDX-License-Identifier: Apache-2.0

import type { AuditEvent } from "../api/client";
import { size } from "../ui/size";
import { ENUMS, ERRORS, TEXTS } from "./events.gen";

/** Texts for events of which all conditions (field, operator, value) hold; both may be empty. */
export interface Case {
  when: string[][];
  sentence: string;
  severity: string;
}

/** What there is to say of one kind of event; `enums`: the table of each field that has one. */
export interface Texts {
  sentence: string;
  enums: Record<string, string>;
  cases: Case[];
}

/** Phrases of each value of an enum, `severity` included, and those of other values. */
export interface Phrases {
  values: Record<string, Record<string, string>>;
  other: Record<string, string>;
}

export type Severity = "information" | "warning" | "error";

type Filter = (value: unknown, argument: string, event: AuditEvent) => string;

/** A text, number or truth value as JSON has it, without quotes; empty for anything else. */
function scalar(value: unknown): string {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}

/** Hosts act as `<uuid>.<cluster>`, which is too long for a sentence. */
const HOST = /^([0-9a-f]{8})-[0-9a-f-]{27}\./;

function endpoint(event: AuditEvent, end: "src" | "dst"): string {
  const address = scalar(event[`${end}_addr`]);
  const port = scalar(event[`${end}_port`]);
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

export const PSEUDO_FIELDS: Record<string, (event: AuditEvent) => string> = {
  who: (event) => {
    const name = scalar(event.user);
    const host = HOST.exec(name);
    return host ? `Host ${host[1]}` : name || "Somebody";
  },
  where: (event) => {
    const host = scalar(event.server_hostname) || scalar(event.server_id) || "a node";
    const login = scalar(event.login);
    return login ? `${login}@${host}` : host;
  },
  why: (event) => scalar(event.error) || scalar(event.reason) || scalar(event.message),
  near: (event) => endpoint(event, "src"),
  far: (event) => endpoint(event, "dst"),
};

const list = (value: unknown, separator: string) =>
  Array.isArray(value) ? value.map(scalar).join(separator) : "";

const pairs = (value: unknown): [string, unknown][] =>
  value && typeof value === "object" && !Array.isArray(value)
    ? Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    : [];

const counts = (value: unknown) =>
  pairs(value)
    .map(([kind, count]) => `${scalar(count)} ${kind}`)
    .join(", ");

const FILTERS: Record<string, Filter> = {
  or: (value, argument, event) =>
    scalar(value) || (argument.startsWith("$") ? scalar(event[argument.slice(1)]) : argument),
  list: (value) => list(value, ", "),
  words: (value) => list(value, " "),
  bytes: size,
  counts,
  pairs: (value) =>
    pairs(value)
      .map(([name, text]) => `${name} ${scalar(text)}`)
      .join(", "),
  stages: (value) =>
    pairs(value)
      .map(([stage, lost]) => `${stage}: ${counts(lost)}`)
      .join("; "),
  errno: (value) => {
    const code = typeof value === "number" ? -value : 0;
    return code > 0 ? (ERRORS[code] ?? `error ${code}`) : "";
  },
  times: (value) => scalar(value).replaceAll(":", "×"),
};

function fieldOf(event: AuditEvent, name: string): unknown {
  const pseudo = PSEUDO_FIELDS[name];
  if (pseudo) return pseudo(event);
  if (name in event) return event[name];
  const [first = "", rest = ""] = name.split(".", 2);
  const inner = event[first];
  return inner && typeof inner === "object" ? (inner as AuditEvent)[rest] : undefined;
}

function phrase(enumName: string | undefined, value: unknown, name: string): string {
  const text = scalar(value);
  const table = ENUMS[enumName ?? ""];
  if (!text || !table) return "";
  return (Object.hasOwn(table.values, text) ? table.values[text] : table.other)?.[name] ?? text;
}

function placed(placeholder: string, event: AuditEvent, texts: Texts): string {
  const [name = "", ...filters] = placeholder.split("|");
  const apply = (value: unknown, filter: string) => {
    const [kind = "", ...argument] = filter.split(":");
    const known = FILTERS[kind];
    return known ? known(value, argument.join(":"), event) : phrase(texts.enums[name], value, kind);
  };
  return scalar(filters.reduce(apply, fieldOf(event, name)));
}

/** The template with the event's fields in it; see schema/events.toml. */
function render(template: string, event: AuditEvent, texts: Texts): string {
  const fill = (part: string, optional: boolean) => {
    let whole = true;
    const text = part.replace(/\{([^{}]*)\}/g, (_, placeholder: string) => {
      const value = placed(placeholder, event, texts);
      if (!value) whole = false;
      return value;
    });
    return whole || !optional ? text : "";
  };
  return template.replace(/\[([^\]]*)\]|([^[]+)/g, (_, optional?: string, plain?: string) =>
    optional === undefined ? fill(plain ?? "", false) : fill(optional, true),
  );
}

function holds(event: AuditEvent, [name = "", operator = "", value = ""]: string[]): boolean {
  const text = scalar(event[name]);
  const other = value in event ? scalar(event[value]) : value;
  switch (operator) {
    case "=":
      return text === other;
    case "!=":
      return text !== other;
    case "<":
      return text !== "" && Number(text) < Number(value);
    case ">":
      return text !== "" && Number(text) > Number(value);
    default:
      return typeof event[name] === "object" ? pairs(event[name]).length > 0 : Boolean(event[name]);
  }
}

function textsOf(event: AuditEvent): Texts | undefined {
  const name = scalar(event.event);
  return Object.hasOwn(TEXTS, name) ? TEXTS[name as keyof typeof TEXTS] : undefined;
}

const caseOf = (event: AuditEvent, texts: Texts) =>
  texts.cases.find((one) => one.when.every((condition) => holds(event, condition)));

/** One sentence that says what happened. */
export function sentence(event: AuditEvent): string {
  const texts = textsOf(event);
  if (!texts) return `${PSEUDO_FIELDS.who?.(event)}: ${scalar(event.event) || "an unknown event"}`;
  return render(caseOf(event, texts)?.sentence || texts.sentence, event, texts);
}

const RANK: Severity[] = ["information", "warning", "error"];

/** How much attention an event deserves: of the case, else the worst of its enums and its code. */
export function severity(event: AuditEvent): Severity {
  const letter = scalar(event.code).slice(-1);
  const byCode = letter === "W" ? "warning" : letter === "E" ? "error" : "information";
  const texts = textsOf(event);
  if (!texts) return byCode;
  const special = caseOf(event, texts)?.severity;
  if (special) return special as Severity;
  const found = Object.entries(texts.enums).map(([field, enumName]) =>
    phrase(enumName, event[field], "severity"),
  );
  const ranks = [byCode, ...found].map((one) => RANK.indexOf(one as Severity));
  return RANK[Math.max(...ranks)] ?? "information";
}
