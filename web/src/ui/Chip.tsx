// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from "react";
import styles from "./Chip.module.css";

export type Tone = "normal" | "accent" | "warning" | "error";

/** A short word that says what kind of thing something is. */
export function Chip({ tone = "normal", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span className={styles.chip} data-tone={tone}>
      {children}
    </span>
  );
}
