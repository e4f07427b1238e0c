// SPDX-License-Identifier: Apache-2.0
import type { AuditEvent } from "../api/client";
import type { Tone } from "../ui/Chip";
import { severity } from "./sentences";

export { sentence as describe } from "./sentences";

/** The look of an event's name. */
export function tone(event: AuditEvent): Tone {
  const found = severity(event);
  return found === "information" ? "normal" : found;
}
