// SPDX-License-Identifier: Apache-2.0
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { makeRouter } from "../../router";

/** Show a component that needs neither a route nor a session. */
export function show(children: ReactNode) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>{children}</QueryClientProvider>
    </MantineProvider>,
  );
}

/** Show the whole page as it is at `path`. */
export function visit(path: string) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = makeRouter(client);
  router.update({ ...router.options, history: createMemoryHistory({ initialEntries: [path] }) });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return router;
}

type Reply = { status?: number; body: unknown };

/** Stand in for the proxy: answers by method and path; all requests are taken down. */
export function proxy(replies: Record<string, Reply | ((request: Request) => Reply)>) {
  const requests: Request[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = (input as Request).clone();
    requests.push(request);
    const { pathname } = new URL(request.url);
    const reply = replies[`${request.method} ${pathname}`];
    const { status = 200, body } =
      typeof reply === "function" ? reply(request) : (reply ?? missing);
    return Response.json(body, { status });
  });
  return requests;
}

const missing: Reply = { status: 404, body: { error: { message: "not found", hint: "" } } };
