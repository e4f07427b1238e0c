// SPDX-License-Identifier: Apache-2.0
/** `next` when it is a path of this page and nothing that leads elsewhere; otherwise the audit log. */
export function pathWithin(next: unknown): string {
  return typeof next === "string" && /^\/[^/\\]/.test(next) ? next : "/audit";
}
