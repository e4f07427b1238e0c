// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { parseFilters, toQuery } from "./filters";

const NOW = new Date("2026-11-23T12:00:00Z");

test("an address that means nothing is no filter", () => {
  const hostile = {
    text: "",
    user: null,
    sid: {},
    type: [1, "", null],
    period: "constructor",
    other: "x",
  };

  expect(parseFilters(hostile)).toEqual({});
});

test("what an address may hold", () => {
  const search = { text: 42, user: "alice", type: "user.login", period: "1h" };

  expect(parseFilters(search)).toEqual({
    text: "42",
    user: "alice",
    type: ["user.login"],
    period: "1h",
  });
});

test.each([
  [{ period: "1h" } as const, { from: "2026-11-23T11:00:00.000Z" }],
  [{ period: "7d" } as const, { from: "2026-11-16T12:00:00.000Z" }],
  [{ period: "custom", from: "not a time" } as const, {}],
  [{ from: "2026-11-23T11:00" }, {}],
  [
    { text: "curl", type: ["exec"] },
    { text: "curl", type: ["exec"] },
  ],
])("%o asks for %o", (filters, query) => {
  expect(toQuery(filters, NOW)).toEqual(query);
});

test("bounds are taken in the reader's own time zone", () => {
  const query = toQuery(
    { period: "custom", from: "2026-11-23T08:00", to: "2026-11-23T09:00" },
    NOW,
  );

  expect(query).toEqual({
    from: new Date(2026, 10, 23, 8).toISOString(),
    to: new Date(2026, 10, 23, 9).toISOString(),
  });
});
