// SPDX-License-Identifier: Apache-2.0
import { expect, describe as suite, test } from "vitest";
import golden from "../../../tests/golden/events.json";
import { describe, tone } from "./describe";
import { EVENT_GROUPS } from "./events.gen";
import { severity } from "./sentences";

const EVENT_TYPES = EVENT_GROUPS.flatMap(({ items }) => items);

const session = { user: "alice", login: "root", server_hostname: "graviton" };

suite("describe", () => {
  test.each([
    [
      {
        event: "session.command",
        ...session,
        path: "/usr/bin/base64",
        argv: ["--decode"],
        return_code: 0,
      },
      "alice ran /usr/bin/base64 --decode",
    ],
    [
      { event: "session.command", ...session, path: "/nowhere", argv: [], return_code: -2 },
      "alice could not run /nowhere: no such file",
    ],
    [
      {
        event: "session.network",
        ...session,
        program: "curl",
        dst_addr: "::1",
        dst_port: 80,
        operation: 0,
      },
      "alice: curl connected to [::1]:80",
    ],
    [
      {
        event: "session.network",
        ...session,
        program: "curl",
        dst_addr: "192.0.2.1",
        dst_port: 443,
        action: 1,
        operation: 0,
      },
      "alice: curl tried to connect to 192.0.2.1:443, which was denied",
    ],
    [
      { event: "session.disk", ...session, program: "cat", path: "/etc/shadow", return_code: -13 },
      "alice: cat could not open /etc/shadow: permission denied",
    ],
    [
      { event: "user.login", user: "eve", success: false, error: "wrong password" },
      "eve could not log in: wrong password",
    ],
    [{ event: "user.login", user: "alice", success: true }, "alice logged in"],
    [{ event: "session.start", ...session }, "alice started a session as root@graviton"],
    [
      { event: "session.data", ...session, tx: 2048, rx: 12 },
      "alice's session carried 2.0 KiB out, 12 B in",
    ],
    [
      { event: "exec", ...session, command: "uname -a", exitCode: "1" },
      "alice ran uname -a as root@graviton (exit status 1)",
    ],
    [
      { event: "sftp", ...session, action: 16, path: "/a", target_path: "/b" },
      "alice renamed /a → /b",
    ],
    [
      { event: "user.create", user: "bbf31d10-4eb2-4c88-9afe-6016dc86ab98.purple", name: "bob" },
      "Host bbf31d10 created user bob",
    ],
    [{ event: "something.new", user: "alice" }, "alice: something.new"],
    [{}, "Somebody: an unknown event"],
  ])("%o", (event, sentence) => {
    expect(describe(event)).toBe(sentence);
  });

  test.each(Object.entries(golden))("%s reads as in the commands", (_, sample) => {
    expect(describe(sample.event)).toBe(sample.sentence);
    expect(severity(sample.event)).toBe(sample.severity);
  });

  test("no event makes it fail, whatever its fields are", () => {
    for (const event of EVENT_TYPES) {
      for (const value of [undefined, null, 7, [], {}, "text"]) {
        const fields = { user: value, argv: value, roles: value, identity: value, error: value };
        expect(describe({ event, ...fields })).toMatch(/\w/);
      }
    }
  });
});

test.each([
  ["T1000I", "normal"],
  ["T1000W", "warning"],
  ["T3002E", "error"],
  [undefined, "normal"],
])("the tone of %s is %s", (code, expected) => {
  expect(tone({ code })).toBe(expected);
});
