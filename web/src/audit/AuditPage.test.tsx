// SPDX-License-Identifier: Apache-2.0
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { proxy, show } from "../ui/testing/render";
import { AuditPage } from "./AuditPage";

const event = (number: number) => ({
  uid: `uid-${number}`,
  event: "user.login",
  code: "T1000I",
  time: "2026-11-23T12:00:00Z",
  user: `user-${number}`,
  success: true,
});

test("pages follow each other", async () => {
  const requests = proxy({
    "GET /v1/webapi/events": (request) =>
      new URL(request.url).searchParams.get("start_key") === "second"
        ? { body: { events: [event(2)], next_key: "" } }
        : { body: { events: [event(1)], next_key: "second" } },
  });
  show(<AuditPage filters={{ user: "alice", type: ["user.login", "exec"] }} onChange={() => {}} />);

  await screen.findByText("user-1 logged in");
  await userEvent.click(screen.getByRole("button", { name: "Load more" }));
  await screen.findByText("user-2 logged in");

  expect(screen.getByText("user-1 logged in")).toBeTruthy();
  await waitFor(() => expect(screen.queryByRole("button", { name: "Load more" })).toBeNull());
  const asked = new URL(requests[0]?.url ?? "").searchParams;
  expect(asked.get("user")).toBe("alice");
  expect(asked.getAll("type")).toEqual(["user.login", "exec"]);
});

test("a search that took too long says so and goes on", async () => {
  proxy({
    "GET /v1/webapi/events": (request) =>
      new URL(request.url).searchParams.get("start_key") === "second"
        ? { body: { events: [event(2)], next_key: "" } }
        : { body: { events: [], next_key: "second", incomplete: true } },
  });
  show(<AuditPage filters={{ text: "rare" }} onChange={() => {}} />);

  await screen.findByText(/Only a part of the log/);
  expect(screen.queryByText("No events match.")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Search on" }));
  await screen.findByText("user-2 logged in");
  expect(screen.queryByText(/Only a part of the log/)).toBeNull();
});

test("a row opens to the raw event", async () => {
  proxy({ "GET /v1/webapi/events": { body: { events: [event(1)], next_key: "" } } });
  show(<AuditPage filters={{}} onChange={() => {}} />);

  const toggle = await screen.findByRole("button", { name: "Details: user-1 logged in" });
  expect(toggle.getAttribute("aria-expanded")).toBe("false");
  await userEvent.click(toggle);

  expect(screen.getByText(/"code": "T1000I"/)).toBeTruthy();
  expect(toggle.getAttribute("aria-expanded")).toBe("true");
});

test("markup in an event stays text", async () => {
  const hostile = { ...event(1), user: "<img src=x onerror=alert(1)>" };
  proxy({ "GET /v1/webapi/events": { body: { events: [hostile], next_key: "" } } });
  show(<AuditPage filters={{}} onChange={() => {}} />);

  await screen.findByText("<img src=x onerror=alert(1)> logged in");
  expect(document.querySelector("img[src=x]")).toBeNull();
});

test("why the log cannot be shown", async () => {
  const error = { message: "no role of user walter allows list on event", hint: "Ask for one." };
  proxy({ "GET /v1/webapi/events": { status: 403, body: { error } } });
  show(<AuditPage filters={{}} onChange={() => {}} />);

  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("No role of user walter allows list on event.");
  expect(alert.textContent).toContain("Ask for one.");
});

test("typing changes the filter once, when it pauses", async () => {
  proxy({ "GET /v1/webapi/events": { body: { events: [], next_key: "" } } });
  const onChange = vi.fn();
  show(<AuditPage filters={{ user: "alice" }} onChange={onChange} />);

  await userEvent.type(screen.getByLabelText("Text"), "curl ");

  await waitFor(() => expect(onChange).toHaveBeenCalledTimes(1));
  expect(onChange).toHaveBeenCalledWith({ user: "alice", text: "curl" });
});
