// SPDX-License-Identifier: Apache-2.0
import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { ApiError } from "../api/client";

/** What went wrong and what to do about it. */
export function Failure({ error }: { error: Error | null }) {
  if (!error) return null;
  const hint = error instanceof ApiError ? error.hint : "";
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} role="alert">
      <Text size="sm" fw={550}>
        {sentence(error.message)}
      </Text>
      {hint && <Text size="sm">{hint}</Text>}
    </Alert>
  );
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
