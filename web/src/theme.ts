// SPDX-License-Identifier: Apache-2.0
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const lagoon: MantineColorsTuple = [
  "#e6fafd",
  "#d2f0f5",
  "#a6e0ea",
  "#76cfdf",
  "#50c1d6",
  "#37b8d0",
  "#25a5bf",
  "#118ea7",
  "#0b7285",
  "#015c6d",
];

const slate: MantineColorsTuple = [
  "#d6dcdf",
  "#b3bcc1",
  "#939da3",
  "#67737a",
  "#424c53",
  "#333c42",
  "#283036",
  "#1d2428",
  "#161b1f",
  "#101417",
];

export const theme = createTheme({
  primaryColor: "lagoon",
  primaryShade: { light: 8, dark: 6 },
  colors: { lagoon, dark: slate },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: "650" },
});

/** Secondary text with enough contrast to be read (WCAG AA). */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: { "--mantine-color-dimmed": "#5a646a", "--mantine-color-placeholder": "#6b757b" },
  dark: { "--mantine-color-dimmed": "#a3adb3", "--mantine-color-placeholder": "#8d979d" },
});
