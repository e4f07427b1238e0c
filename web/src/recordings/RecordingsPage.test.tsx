// SPDX-License-Identifier: Apache-2.0
import {
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";
import { proxy, show } from "../ui/testing/render";
import { RecordingsPage } from "./RecordingsPage";

const SLOWLY = { timeout: 10_000 };

const recording = (number: number) => ({
  sid: `0000000${number}-0000-4000-8000-000000000000`,
  participants: [`user-${number}`],
  server_hostname: "web",
  server_id: "1",
  login: "root",
  started: "2026-11-23T12:00:00Z",
  ended: "2026-11-23T12:01:00Z",
  interactive: true,
  enhanced: true,
  live: false,
  state: "complete",
  truncated: false,
  size: 1536 * number,
});

function recordings() {
  return proxy({
    "GET /v1/webapi/recordings": (request) =>
      new URL(request.url).searchParams.get("start_key") === "second"
        ? { body: { recordings: [recording(2)], next_key: "" } }
        : { body: { recordings: [recording(1)], next_key: "second" } },
  });
}

/** The page has links, which need a router. */
function Page() {
  const [router] = useState(() =>
    createRouter({
      routeTree: createRootRoute({ component: RecordingsPage }),
      history: createMemoryHistory({ initialEntries: ["/"] }),
    }),
  );
  return <RouterProvider router={router as never} />;
}

test("pages follow each other and show sizes", { timeout: 30_000 }, async () => {
  recordings();
  show(<Page />);
  await screen.findByText("1.5 KiB", {}, SLOWLY);
  await userEvent.click(screen.getByRole("button", { name: "Load more" }));
  await screen.findByText("3.0 KiB");
  expect(screen.getByText("user-1")).toBeTruthy();
  await waitFor(() => expect(screen.queryByRole("button", { name: "Load more" })).toBeNull());
});

test("the list is asked for by user and host", { timeout: 30_000 }, async () => {
  const requests = recordings();
  show(<Page />);
  await screen.findByText("user-1", {}, SLOWLY);
  await userEvent.type(screen.getByLabelText("User"), "alice");
  await userEvent.type(screen.getByLabelText("Host"), "web-1");
  await waitFor(() => {
    const asked = new URL(requests.at(-1)?.url ?? "").searchParams;
    expect([asked.get("user"), asked.get("host")]).toEqual(["alice", "web-1"]);
  }, SLOWLY);
});
