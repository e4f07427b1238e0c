// SPDX-License-Identifier: Apache-2.0
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { proxy, visit } from "../ui/testing/render";

const SESSION = {
  user: "alice",
  roles: ["auditor"],
  logins: [],
  cluster_name: "purple",
  server_version: "14.0.0",
  expires: "2026-11-23T20:00:00Z",
  csrf_token: "the-token",
};
const LOGGED_OUT = { status: 401, body: { error: { message: "you are not logged in", hint: "" } } };
const EVENTS = { body: { events: [], next_key: "" } };

async function fillIn() {
  await userEvent.type(await screen.findByLabelText(/^User/), " alice ");
  await userEvent.type(screen.getByLabelText(/^Password/), "secret password");
  await userEvent.type(screen.getByLabelText(/^One-time code/), "12 34-56");
  await userEvent.click(screen.getByRole("button", { name: "Log in" }));
}

test("who is not logged in comes back to where they wanted to go", async () => {
  const requests = proxy({
    "GET /v1/webapi/session": LOGGED_OUT,
    "POST /v1/webapi/session": { body: SESSION },
    "GET /v1/webapi/events": EVENTS,
  });
  const router = visit("/web/audit?user=bob");

  await fillIn();

  await screen.findByRole("heading", { name: "Audit log" });
  expect(router.history.location.href).toBe("/web/audit?user=bob");
  const sent = await requests.find(({ method }) => method === "POST")?.json();
  expect(sent).toEqual({ user: "alice", password: "secret password", otp_token: "123456" });
});

test.each(["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])(
  "a link cannot send people to %s after the login",
  async (next) => {
    proxy({
      "GET /v1/webapi/session": LOGGED_OUT,
      "POST /v1/webapi/session": { body: SESSION },
      "GET /v1/webapi/events": EVENTS,
    });
    const router = visit(`/web/login?next=${encodeURIComponent(next)}`);

    await fillIn();

    await screen.findByRole("heading", { name: "Audit log" });
    expect(router.history.location.href).toBe("/web/audit");
  },
);

test("a refused login says why, and keeps all but the code", async () => {
  const error = { message: "invalid username, password or one-time code", hint: "" };
  proxy({ "POST /v1/webapi/session": { status: 401, body: { error } } });
  visit("/web/login");

  await fillIn();

  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toBe("Invalid username, password or one-time code.");
  expect((screen.getByLabelText(/^Password/) as HTMLInputElement).value).toBe("secret password");
  expect((screen.getByLabelText(/^One-time code/) as HTMLInputElement).value).toBe("");
});

test("logging out sends the session's token and leads to the login", async () => {
  const requests = proxy({
    "GET /v1/webapi/session": { body: SESSION },
    "DELETE /v1/webapi/session": { body: {} },
    "GET /v1/webapi/events": EVENTS,
  });
  visit("/web/audit");

  await userEvent.click(await screen.findByRole("button", { name: "Account of alice" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Log out" }));

  await screen.findByRole("heading", { name: "Log in" });
  const leaving = requests.find(({ method }) => method === "DELETE");
  expect(leaving?.headers.get("X-CSRF-Token")).toBe("the-token");
});

const INVITE = {
  user: "bob",
  otp_uri: "otpauth://totp/purple:bob?secret=ABCDEFGH&issuer=purple",
  qr_svg: "<svg/>",
  reset: false,
};

test("an invitation is answered with a password and a code", async () => {
  const requests = proxy({
    "GET /webapi/invites/some-token": { body: INVITE },
    "POST /webapi/invites/some-token": { body: { user: "bob" } },
  });
  visit("/web/invite/some-token");

  await screen.findByRole("heading", { name: "Welcome, bob" });
  expect(screen.getByText("ABCD EFGH")).toBeTruthy();
  await userEvent.type(screen.getByLabelText(/^Password \*/), "long enough");
  await userEvent.type(screen.getByLabelText(/^Password again/), "long enougH");
  await userEvent.type(screen.getByLabelText(/^One-time code/), "123456");
  await userEvent.click(screen.getByRole("button", { name: "Create my account" }));
  expect(requests.some(({ method }) => method === "POST")).toBe(false);

  await userEvent.type(screen.getByLabelText(/^Password again/), "{backspace}h");
  await userEvent.click(screen.getByRole("button", { name: "Create my account" }));

  await screen.findByRole("heading", { name: "Your account is ready" });
  const sent = await requests.find(({ method }) => method === "POST")?.json();
  expect(sent).toEqual({ password: "long enough", otp_token: "123456" });
});

test("a used invitation says what to do", async () => {
  const error = { message: "this link is not valid", hint: "Ask an administrator for a new one." };
  proxy({ "GET /webapi/invites/used": { status: 404, body: { error } } });
  visit("/web/invite/used");

  expect((await screen.findByRole("alert")).textContent).toContain("Ask an administrator");
});
