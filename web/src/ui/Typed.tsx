// SPDX-License-Identifier: Apache-2.0
import { TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState } from "react";

const TYPING_MS = 350;

interface TypedProps {
  label: string;
  value: string | undefined;
  onChange: (value: string) => void;
  placeholder: string;
  flex: string;
  icon?: boolean;
}

/** Text that takes effect when the typing pauses. */
export function Typed({ value = "", onChange, icon, ...props }: TypedProps) {
  const [typed, setTyped] = useState(value);
  const apply = useDebouncedCallback(onChange, TYPING_MS);
  useEffect(() => setTyped(value), [value]);
  return (
    <TextInput
      {...props}
      {...(icon && { leftSection: <IconSearch size={16} aria-hidden /> })}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        apply(event.currentTarget.value.trim());
      }}
    />
  );
}
