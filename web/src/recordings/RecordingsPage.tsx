import { Center, Group, Loader, Paper, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "../api/client";
import { Failure } from "../ui/Failure";
import { RecordingTable } from "./RecordingTable";

const LIMIT = 200;
const REFRESH_MS = 10_000;

export function RecordingsPage() {
  const [which, setWhich] = useState("ended");
  const live = which === "live";
  const found = useQuery({
    queryKey: ["recordings", live],
    queryFn: () =>
      unwrap(api.GET("/v1/webapi/recordings", { params: { query: { live, limit: LIMIT } } })),
    refetchInterval: REFRESH_MS,
  });
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
          value={which}
          onChange={setWhich}
        />
      </Group>
      <Failure error={found.error} />
      <Paper withBorder aria-busy={found.isFetching}>
        {found.isPending && (
          <Center p="xl">
            <Loader aria-label="Loading" />
          </Center>
        )}
        {found.data && <RecordingTable recordings={found.data.recordings} />}
        {found.data?.recordings.length === 0 && (
          <Text c="dimmed" ta="center" p="xl" size="sm">
            {live ? "No session is running." : "There are no recordings that you may read."}
          </Text>
        )}
      </Paper>
    </Stack>
  );
}
