// SPDX-License-Identifier: Apache-2.0
import { Button, Group, MultiSelect, Select, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { Typed } from "../ui/Typed";
import { EVENT_GROUPS } from "./events.gen";
import { type Filters, PERIODS, type Period, tidy } from "./filters";

const PERIOD_CHOICES = Object.entries(PERIODS).map(([value, { label }]) => ({ value, label }));

interface Props {
  filters: Filters;
  onChange: (filters: Filters) => void;
}

export function FilterBar({ filters, onChange }: Props) {
  const set = (change: Partial<Record<keyof Filters, unknown>>) =>
    onChange(tidy({ ...filters, ...change } as Filters));
  return (
    <Group align="flex-end" gap="sm">
      <Typed
        label="Text"
        placeholder="Anything in the event"
        value={filters.text}
        onChange={(text) => set({ text })}
        flex="2 1 200px"
        icon
      />
      <MultiSelect
        label="Types"
        {...(!filters.type && { placeholder: "All" })}
        data={EVENT_GROUPS}
        value={filters.type ?? []}
        onChange={(type) => set({ type })}
        searchable
        clearable
        hidePickedOptions
        flex="2 1 220px"
      />
      <Typed
        label="User"
        placeholder="Anybody"
        value={filters.user}
        onChange={(user) => set({ user })}
        flex="1 1 130px"
      />
      <Typed
        label="Session"
        placeholder="Session id"
        value={filters.sid}
        onChange={(sid) => set({ sid })}
        flex="1 1 170px"
      />
      <Select
        label="Time"
        placeholder="All"
        data={PERIOD_CHOICES}
        value={filters.period ?? null}
        onChange={(period) => set({ period: (period as Period | null) ?? undefined })}
        clearable
        flex="1 1 170px"
      />
      {filters.period === "custom" && (
        <>
          <Bound label="From" value={filters.from} onChange={(from) => set({ from })} />
          <Bound label="To" value={filters.to} onChange={(to) => set({ to })} />
        </>
      )}
      {Object.keys(filters).length > 0 && (
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconX size={16} aria-hidden />}
          onClick={() => onChange({})}
        >
          Clear
        </Button>
      )}
    </Group>
  );
}

interface BoundProps {
  label: string;
  value: string | undefined;
  onChange: (value: string) => void;
}

function Bound({ label, value, onChange }: BoundProps) {
  return (
    <TextInput
      type="datetime-local"
      label={label}
      value={value ?? ""}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
