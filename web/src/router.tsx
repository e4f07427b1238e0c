// SPDX-License-Identifier: Apache-2.0
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { sessionQuery } from "./api/session";
import { AuditPage } from "./audit/AuditPage";
import { parseFilters } from "./audit/filters";
import { InvitePage } from "./login/InvitePage";
import { LoginPage } from "./login/LoginPage";
import { pathWithin } from "./login/next";
import { RecordingsPage } from "./recordings/RecordingsPage";
import { Failure } from "./ui/Failure";
import { NotFound } from "./ui/NotFound";
import { Shell } from "./ui/Shell";

interface Context {
  queryClient: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: ({ error }) => <Failure error={error as Error} />,
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search): { next?: string } => search,
  component: function Login() {
    return <LoginPage next={pathWithin(login.useSearch().next)} />;
  },
});

const invite = createRoute({
  getParentRoute: () => root,
  path: "/invite/$token",
  component: function Invite() {
    return <InvitePage token={invite.useParams().token} />;
  },
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset/$token",
  component: function Reset() {
    return <InvitePage token={reset.useParams().token} />;
  },
});

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  beforeLoad: async ({ context, location }) => {
    if (!(await context.queryClient.ensureQueryData(sessionQuery)))
      throw redirect({ to: "/login", search: { next: location.href } });
  },
  component: Shell,
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/audit" });
  },
});

const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  // The router merges what this returns with the raw parameters, so they are parsed again when used.
  validateSearch: parseFilters,
  component: function Audit() {
    const navigate = audit.useNavigate();
    return (
      <AuditPage
        filters={parseFilters(audit.useSearch())}
        onChange={(search) => navigate({ search, replace: true })}
      />
    );
  },
});

const recordings = createRoute({
  getParentRoute: () => inside,
  path: "/recordings",
  component: RecordingsPage,
});

const tree = root.addChildren([
  login,
  invite,
  reset,
  inside.addChildren([home, audit, recordings]),
]);

export function makeRouter(queryClient: QueryClient) {
  return createRouter({ routeTree: tree, basepath: "/web", context: { queryClient } });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
