// SPDX-License-Identifier: Apache-2.0
/** What the reader looks for; kept in the page's address, so that it can be sent to a colleague. */
export interface Filters {
  text?: string;
  user?: string;
  sid?: string;
  type?: string[];
  period?: Period;
  from?: string;
  to?: string;
}

export const PERIODS = {
  "15m": { label: "Last 15 minutes", seconds: 15 * 60 },
  "1h": { label: "Last hour", seconds: 3600 },
  "24h": { label: "Last 24 hours", seconds: 24 * 3600 },
  "7d": { label: "Last 7 days", seconds: 7 * 24 * 3600 },
  "30d": { label: "Last 30 days", seconds: 30 * 24 * 3600 },
  custom: { label: "From … to …", seconds: 0 },
} as const;
export type Period = keyof typeof PERIODS;

/** Filters from an address, whatever somebody wrote into it. */
export function parseFilters(search: Record<string, unknown>): Filters {
  const filters: Filters = {};
  for (const name of ["text", "user", "sid", "from", "to"] as const) {
    const value = search[name];
    if (typeof value === "string" && value) filters[name] = value;
    if (typeof value === "number") filters[name] = String(value);
  }
  const types = Array.isArray(search.type) ? search.type : [search.type];
  const named = types.filter((type): type is string => typeof type === "string" && type !== "");
  if (named.length) filters.type = named;
  if (typeof search.period === "string" && Object.hasOwn(PERIODS, search.period))
    filters.period = search.period as Period;
  return filters;
}

/** The same without what is empty. */
export function tidy(filters: { [Name in keyof Filters]?: Filters[Name] | undefined }): Filters {
  return parseFilters(filters);
}

/** As parameters of the web API; `now` is what relative periods end at. */
export function toQuery(filters: Filters, now: Date) {
  const { text, user, sid, type, period } = filters;
  return {
    ...(text && { text }),
    ...(user && { user }),
    ...(sid && { sid }),
    ...(type && { type }),
    ...(period && span(filters, period, now)),
  };
}

function span(filters: Filters, period: Period, now: Date) {
  if (period !== "custom")
    return { from: new Date(now.getTime() - PERIODS[period].seconds * 1000).toISOString() };
  const from = toIso(filters.from);
  const to = toIso(filters.to);
  return { ...(from && { from }), ...(to && { to }) };
}

/** RFC 3339 of the value of a datetime-local input; empty when it is not complete. */
function toIso(local: string | undefined): string {
  const date = new Date(local ?? "");
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
