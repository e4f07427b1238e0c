// SPDX-License-Identifier: Apache-2.0
/** The nonce with which the page may add style elements. The proxy puts a fresh one into each answer. */
export function cspNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}
