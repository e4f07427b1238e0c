// SPDX-License-Identifier: Apache-2.0
import { TextInput } from "@mantine/core";

const DIGITS = 6;

/** The current code of an authenticator app. */
export function CodeInput({
  value,
  onChange,
}: {
  value: string;
  onChange: (code: string) => void;
}) {
  return (
    <TextInput
      label="One-time code"
      description="Six digits from your authenticator app"
      name="otp"
      inputMode="numeric"
      autoComplete="one-time-code"
      pattern={`[0-9]{${DIGITS}}`}
      title="Six digits"
      maxLength={DIGITS}
      required
      classNames={{ input: "number" }}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value.replace(/\D/g, ""))}
    />
  );
}
