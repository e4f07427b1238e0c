// SPDX-License-Identifier: Apache-2.0
import { Button, CopyButton, Group, Table, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconTerminal2 } from "@tabler/icons-react";
import type { Recording } from "../api/client";
import { Chip } from "../ui/Chip";
import { AnchorLink } from "../ui/links";
import { Moment } from "../ui/Moment";
import { size } from "../ui/size";
import { duration } from "./duration";

export function RecordingTable({ recordings }: { recordings: Recording[] }) {
  return (
    <Table.ScrollContainer minWidth={820}>
      <Table verticalSpacing={8} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={180}>Started</Table.Th>
            <Table.Th w={110}>Lasted</Table.Th>
            <Table.Th>Who</Table.Th>
            <Table.Th>Where</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th w={90}>Size</Table.Th>
            <Table.Th w={110}>Events</Table.Th>
            <Table.Th w={130}>Replay</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {recordings.map((recording) => (
            <Row key={recording.sid} recording={recording} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Row({ recording }: { recording: Recording }) {
  const { sid, started, ended, participants, login, server_hostname, server_id } = recording;
  const host = server_hostname || server_id;
  return (
    <Table.Tr>
      <Table.Td>
        <Moment time={started} />
      </Table.Td>
      <Table.Td>
        <Text size="sm" className="number">
          {recording.live ? "running" : duration(started, ended)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm" fw={550}>
          {participants.join(", ")}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{login ? `${login}@${host}` : host}</Text>
      </Table.Td>
      <Table.Td>
        <Group gap={6}>
          <Chip>{recording.interactive ? "terminal" : "command"}</Chip>
          {recording.truncated && (
            <Tooltip label="Something of this session could not be recorded">
              <div>
                <Chip tone="warning">truncated</Chip>
              </div>
            </Tooltip>
          )}
          {recording.enhanced && (
            <Tooltip label="With what the kernel saw: commands, connections, files">
              <div>
                <Chip tone="accent">enhanced</Chip>
              </div>
            </Tooltip>
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="sm" className="number">
          {size(recording.size)}
        </Text>
      </Table.Td>
      <Table.Td>
        <AnchorLink to="/audit" search={{ sid }} size="sm" ff="monospace">
          {sid.slice(0, 8)}
        </AnchorLink>
      </Table.Td>
      <Table.Td>
        <PlayCommand sid={sid} />
      </Table.Td>
    </Table.Tr>
  );
}

function PlayCommand({ sid }: { sid: string }) {
  const command = `tsh play ${sid}`;
  return (
    <CopyButton value={command}>
      {({ copied, copy }) => (
        <Tooltip label={command}>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={copied ? <IconCheck size={15} /> : <IconTerminal2 size={15} />}
            onClick={copy}
          >
            {copied ? "Copied" : "tsh play"}
          </Button>
        </Tooltip>
      )}
    </CopyButton>
  );
}
