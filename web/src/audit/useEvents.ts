// SPDX-License-Identifier: Apache-2.0
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import { type Filters, toQuery } from "./filters";

const PAGE = 100;
const REFRESH_MS = 5000;
const REFRESHED_PAGES = 3;

/** Events that match, newest first; with `live` the newest ones appear by themselves. */
export function useEvents(filters: Filters, live: boolean) {
  return useInfiniteQuery({
    queryKey: ["events", filters],
    queryFn: ({ pageParam }) => {
      const query = { ...toQuery(filters, new Date()), limit: PAGE, start_key: pageParam };
      return unwrap(api.GET("/v1/webapi/events", { params: { query } }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_key || undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      live && (state.data?.pages.length ?? 0) <= REFRESHED_PAGES ? REFRESH_MS : false,
  });
}
