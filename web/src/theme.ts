import { createTheme, type MantineColorsTuple } from "@mantine/core";

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

export const theme = createTheme({
  primaryColor: "lagoon",
  primaryShade: { light: 8, dark: 6 },
  colors: { lagoon },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: "650" },
});
