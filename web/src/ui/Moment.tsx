// SPDX-License-Identifier: Apache-2.0
import { Text } from "@mantine/core";

const format = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** A time of the audit log in the reader's own time zone; the exact one on hovering. */
export function Moment({ time }: { time: string }) {
  const date = new Date(time);
  const shown = Number.isNaN(date.getTime()) ? time : format.format(date);
  return (
    <Text component="time" dateTime={time} title={time} size="sm" className="number" truncate>
      {shown}
    </Text>
  );
}
