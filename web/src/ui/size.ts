// SPDX-License-Identifier: Apache-2.0
/** A number of bytes for people. */
export function size(value: unknown): string {
  const count = typeof value === "number" ? value : 0;
  if (count < 1024) return `${count} B`;
  return count < 1024 ** 2
    ? `${(count / 1024).toFixed(1)} KiB`
    : `${(count / 1024 ** 2).toFixed(1)} MiB`;
}
