// SPDX-License-Identifier: Apache-2.0
import { Button, Center, Group, Loader, Paper, Stack, Switch, Text, Title } from "@mantine/core";
import { useState } from "react";
import { Failure } from "../ui/Failure";
import { EventTable } from "./EventTable";
import { FilterBar } from "./FilterBar";
import type { Filters } from "./filters";
import { useEvents } from "./useEvents";

interface Props {
  filters: Filters;
  onChange: (filters: Filters) => void;
}

export function AuditPage({ filters, onChange }: Props) {
  const [live, setLive] = useState(true);
  const found = useEvents(filters, live);
  const events = found.data?.pages.flatMap((page) => page.events) ?? [];
  const incomplete = found.data?.pages.at(-1)?.incomplete ?? false;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1} size="h3">
          Audit log
        </Title>
        <Switch
          label="Live updates"
          checked={live}
          onChange={(event) => setLive(event.currentTarget.checked)}
        />
      </Group>
      <FilterBar filters={filters} onChange={onChange} />
      <Failure error={found.error} />
      <Paper withBorder aria-busy={found.isFetching}>
        {found.isPending ? (
          <Center p="xl">
            <Loader aria-label="Loading" />
          </Center>
        ) : (
          <EventTable events={events} onSession={(sid) => onChange({ sid })} />
        )}
        {found.isSuccess && events.length === 0 && !found.hasNextPage && (
          <Text c="dimmed" ta="center" p="xl" size="sm">
            No events match.
          </Text>
        )}
      </Paper>
      {incomplete && (
        <Text c="dimmed" ta="center" size="sm">
          Only a part of the log has been searched so far. Narrow the filters, or search on.
        </Text>
      )}
      {found.hasNextPage && (
        <Center>
          <Button
            variant="default"
            loading={found.isFetchingNextPage}
            onClick={() => found.fetchNextPage()}
          >
            {incomplete ? "Search on" : "Load more"}
          </Button>
        </Center>
      )}
    </Stack>
  );
}
