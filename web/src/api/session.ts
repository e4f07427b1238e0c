// SPDX-License-Identifier: Apache-2.0
import { queryOptions } from "@tanstack/react-query";
import { ApiError, api, type Session, setCsrfToken, unwrap } from "./client";

function keep(session: Session): Session {
  setCsrfToken(session.csrf_token);
  return session;
}

async function current(): Promise<Session | null> {
  try {
    return keep(await unwrap(api.GET("/v1/webapi/session")));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** Who is logged in; null without a login. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: current,
  staleTime: Number.POSITIVE_INFINITY,
});

export interface Secrets {
  user: string;
  password: string;
  otp_token: string;
}

export async function logIn(body: Secrets): Promise<Session> {
  return keep(await unwrap(api.POST("/v1/webapi/session", { body })));
}

export async function logOut(): Promise<void> {
  await unwrap(api.DELETE("/v1/webapi/session"));
}
