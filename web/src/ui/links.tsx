// SPDX-License-Identifier: Apache-2.0
import { Anchor, type AnchorProps, Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { ComponentPropsWithRef } from "react";

type Link<Props> = Props & Omit<ComponentPropsWithRef<"a">, keyof Props>;

/** A link within the page, as text. */
export const AnchorLink = createLink((props: Link<AnchorProps>) => (
  <Anchor component="a" {...props} />
));

/** A link within the page that looks like a button. */
export const ButtonLink = createLink((props: Link<ButtonProps>) => (
  <Button component="a" {...props} />
));
