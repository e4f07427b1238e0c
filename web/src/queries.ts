// SPDX-License-Identifier: Apache-2.0
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api/client";
import { sessionQuery } from "./api/session";

const RETRIES = 2;

/** Queries that survive a restart of the proxy, and notice when the session has ended. */
export function makeQueryClient(): QueryClient {
  const noticeEnd = (error: Error) => {
    if (
      error instanceof ApiError &&
      error.status === 401 &&
      client.getQueryData(sessionQuery.queryKey)
    )
      client.setQueryData(sessionQuery.queryKey, null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: noticeEnd }),
    mutationCache: new MutationCache({ onError: noticeEnd }),
    defaultOptions: {
      queries: {
        retry: (count, error) =>
          count < RETRIES && error instanceof ApiError && [0, 502, 503].includes(error.status),
        refetchOnWindowFocus: false,
      },
    },
  });
  return client;
}
