// SPDX-License-Identifier: Apache-2.0
import {
  Button,
  Center,
  Group,
  Loader,
  Paper,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "../api/client";
import { PERIODS, type Period, toQuery } from "../audit/filters";
import { Failure } from "../ui/Failure";
import { Typed } from "../ui/Typed";
import { RecordingTable } from "./RecordingTable";

const PAGE = 100;
const REFRESH_MS = 10_000;
const REFRESHED_PAGES = 3;
const PERIOD_CHOICES = Object.entries(PERIODS)
  .filter(([value]) => value !== "custom")
  .map(([value, { label }]) => ({ value, label }));

interface Wanted {
  live: boolean;
  user: string;
  host: string;
  period: Period | null;
}

/** Recordings that match, newest first. */
function useRecordings({ live, user, host, period }: Wanted) {
  return useInfiniteQuery({
    queryKey: ["recordings", live, user, host, period],
    queryFn: ({ pageParam }) => {
      const time = toQuery(period ? { period } : {}, new Date());
      const query = { live, user, host, ...time, limit: PAGE, start_key: pageParam };
      return unwrap(api.GET("/v1/webapi/recordings", { params: { query } }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_key || undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      (state.data?.pages.length ?? 0) <= REFRESHED_PAGES ? REFRESH_MS : false,
  });
}

export function RecordingsPage() {
  const [wanted, setWanted] = useState<Wanted>({ live: false, user: "", host: "", period: null });
  const change = (part: Partial<Wanted>) => setWanted((before) => ({ ...before, ...part }));
  const found = useRecordings(wanted);
  const recordings = found.data?.pages.flatMap((page) => page.recordings) ?? [];
  const filtered = Boolean(wanted.user || wanted.host || wanted.period);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1} size="h3">
          Recordings
        </Title>
        <SegmentedControl
          aria-label="Which recordings"
          data={[
            { value: "ended", label: "Ended" },
            { value: "live", label: "Running now" },
          ]}
          value={wanted.live ? "live" : "ended"}
          onChange={(which) => change({ live: which === "live" })}
        />
      </Group>
      <RecordingFilters wanted={wanted} onChange={change} />
      <Failure error={found.error} />
      <Paper withBorder aria-busy={found.isFetching}>
        {found.isPending ? (
          <Center p="xl">
            <Loader aria-label="Loading" />
          </Center>
        ) : (
          <RecordingTable recordings={recordings} />
        )}
        {found.isSuccess && recordings.length === 0 && (
          <Text c="dimmed" ta="center" p="xl" size="sm">
            {emptiness(wanted.live, filtered)}
          </Text>
        )}
      </Paper>
      {found.hasNextPage && (
        <Center>
          <Button
            variant="default"
            loading={found.isFetchingNextPage}
            onClick={() => found.fetchNextPage()}
          >
            Load more
          </Button>
        </Center>
      )}
    </Stack>
  );
}

function emptiness(live: boolean, filtered: boolean): string {
  if (filtered) return "No recordings match.";
  return live ? "No session is running." : "There are no recordings that you may read.";
}

interface FiltersProps {
  wanted: Wanted;
  onChange: (part: Partial<Wanted>) => void;
}

function RecordingFilters({ wanted, onChange }: FiltersProps) {
  return (
    <Group align="flex-end" gap="sm">
      <Typed
        label="User"
        placeholder="Anybody"
        value={wanted.user}
        onChange={(user) => onChange({ user })}
        flex="1 1 150px"
      />
      <Typed
        label="Host"
        placeholder="Name or id"
        value={wanted.host}
        onChange={(host) => onChange({ host })}
        flex="1 1 150px"
      />
      <Select
        label="Time"
        placeholder="All"
        data={PERIOD_CHOICES}
        value={wanted.period}
        onChange={(period) => onChange({ period: period as Period | null })}
        clearable
        flex="1 1 170px"
      />
    </Group>
  );
}
