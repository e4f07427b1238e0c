// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { duration } from "./duration";

test.each([
  ["2026-11-23T12:00:00Z", "2026-11-23T12:00:04.4Z", "4 s"],
  ["2026-11-23T12:00:00Z", "2026-11-23T12:03:20Z", "3 min 20 s"],
  ["2026-11-23T12:00:00Z", "2026-11-23T14:05:59Z", "2 h 5 min"],
  ["2026-11-23T12:00:00Z", "", ""],
  ["2026-11-23T12:00:00Z", "2026-11-23T11:00:00Z", ""],
])("from %s to %s: %s", (from, to, text) => {
  expect(duration(from, to)).toBe(text);
});
