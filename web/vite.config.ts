// SPDX-License-Identifier: Apache-2.0
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  base: "/web/",
  html: { cspNonce: "PROCTOR_CSP_NONCE" },
  build: {
    outDir: "../src/proctor/proxy/_web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
  },
  server: {
    proxy: {
      "/webapi": { target: "https://localhost:3080", secure: false },
      "/v1": { target: "https://localhost:3080", secure: false },
    },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/ui/testing/setup.ts"],
    restoreMocks: true,
    coverage: {
      include: ["src/**"],
      exclude: ["src/api/schema.d.ts", "src/ui/testing/**", "src/**/*.test.*"],
      reporter: ["json-summary"],
    },
  },
});
