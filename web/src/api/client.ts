// SPDX-License-Identifier: Apache-2.0
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Session = components["schemas"]["SessionInfo"];
export type Recording = components["schemas"]["Recording"];
export type InviteInfo = components["schemas"]["InviteInfo"];
export type EventPage = components["schemas"]["Events"];
export type AuditEvent = EventPage["events"][number];

/** What the proxy said when it refused, or why it could not be asked. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint = "",
  ) {
    super(message);
    this.name = "ApiError";
  }
}

const IDLE_AFTER_MS = 60_000;
let csrfToken = "";
let lastInput = Date.now();

for (const kind of ["pointerdown", "keydown", "wheel"]) {
  window.addEventListener(kind, () => (lastInput = Date.now()), { passive: true });
}

/** The token of the current session, sent with every request that changes something. */
export function setCsrfToken(token: string) {
  csrfToken = token;
}

const headers: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("X-CSRF-Token", csrfToken);
    // Refreshing by itself must not keep the session of somebody who has left alive.
    if (Date.now() - lastInput > IDLE_AFTER_MS) request.headers.set("X-Background", "1");
    return request;
  },
};

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: (request) => globalThis.fetch(request),
});
api.use(headers);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws ApiError when there is none. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw new ApiError(0, "The proxy does not answer.", "Check your connection and try again.");
  }
  if (answer.data !== undefined) return answer.data;
  const body = answer.error as { error?: { message?: string; hint?: string } } | undefined;
  const message =
    body?.error?.message ?? `The proxy answered with status ${answer.response.status}.`;
  throw new ApiError(answer.response.status, message, body?.error?.hint);
}
