// SPDX-License-Identifier: Apache-2.0
import {
  ActionIcon,
  Anchor,
  Code,
  CopyButton,
  Group,
  Table,
  Text,
  Tooltip,
  VisuallyHidden,
} from "@mantine/core";
import { IconCheck, IconChevronRight, IconCopy } from "@tabler/icons-react";
import { memo, useState } from "react";
import type { AuditEvent } from "../api/client";
import { Chip } from "../ui/Chip";
import { Moment } from "../ui/Moment";
import { describe, tone } from "./describe";
import styles from "./EventTable.module.css";

const COLUMNS = 5;

interface Props {
  events: AuditEvent[];
  onSession: (sid: string) => void;
}

export function EventTable({ events, onSession }: Props) {
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table verticalSpacing={6} highlightOnHover className={styles.table}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={36}>
              <VisuallyHidden>Details</VisuallyHidden>
            </Table.Th>
            <Table.Th w={176}>Time</Table.Th>
            <Table.Th w={244}>Type</Table.Th>
            <Table.Th>What happened</Table.Th>
            <Table.Th w={110}>Session</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Row key={String(event.uid)} event={event} onSession={onSession} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const Row = memo(function Row({
  event,
  onSession,
}: { event: AuditEvent } & Pick<Props, "onSession">) {
  const [open, setOpen] = useState(false);
  const sid = typeof event.sid === "string" ? event.sid : "";
  const sentence = describe(event);
  return (
    <>
      <Table.Tr className={styles.row} onClick={() => setOpen(!open)}>
        <Table.Td>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-expanded={open}
            aria-label={`Details: ${sentence}`}
            onClick={(click) => {
              click.stopPropagation();
              setOpen(!open);
            }}
          >
            <IconChevronRight size={16} className={styles.chevron} data-open={open || undefined} />
          </ActionIcon>
        </Table.Td>
        <Table.Td>
          <Moment time={String(event.time)} />
        </Table.Td>
        <Table.Td>
          <Chip tone={tone(event)}>{String(event.event)}</Chip>
        </Table.Td>
        <Table.Td>
          <Text size="sm" className={styles.sentence} lineClamp={open ? 0 : 2}>
            {sentence}
          </Text>
        </Table.Td>
        <Table.Td>
          {sid && (
            <Tooltip label="All events of this session">
              <Anchor
                component="button"
                size="sm"
                ff="monospace"
                onClick={(click) => {
                  click.stopPropagation();
                  onSession(sid);
                }}
              >
                {sid.slice(0, 8)}
              </Anchor>
            </Tooltip>
          )}
        </Table.Td>
      </Table.Tr>
      {open && <Details event={event} />}
    </>
  );
});

function Details({ event }: { event: AuditEvent }) {
  const json = JSON.stringify(event, null, 2);
  return (
    <Table.Tr className={styles.details}>
      <Table.Td colSpan={COLUMNS}>
        <Group align="flex-start" wrap="nowrap" gap="xs">
          <Code block flex={1} className={styles.json}>
            {json}
          </Code>
          <CopyButton value={json}>
            {({ copied, copy }) => (
              <ActionIcon
                variant="default"
                onClick={copy}
                aria-label={copied ? "Copied" : "Copy JSON"}
              >
                {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
              </ActionIcon>
            )}
          </CopyButton>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}
